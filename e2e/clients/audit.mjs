// Runs graphql-http's audits of GraphQL over HTTP against the endpoint that the argument names. Every audit has to pass,
// also those that the specification leaves to the server (MAY).
import { auditServer } from "graphql-http";

const results = await auditServer({ url: process.argv[2] });
const failed = results.filter(({ status }) => status !== "ok");
for (const { id, name, reason, response } of failed) {
  const body = response.bodyUsed ? "" : await response.text();
  console.error(`${id} ${name}: ${reason} (${response.status} ${response.headers.get("content-type")} ${body})`);
}
console.log(`${results.length - failed.length} of ${results.length} audits pass`);
process.exitCode = failed.length === 0 && results.length >= 60 ? 0 : 1;
