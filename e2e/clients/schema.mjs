// Reads the schema for clients from standard input and compares it with what the endpoint that the argument names says of
// itself. They have to agree in everything but what routers and the rules need.
import { readFileSync } from "node:fs";
import { assertValidSchema, buildClientSchema, buildSchema, getIntrospectionQuery, lexicographicSortSchema, printSchema } from "graphql";

const leftOut = {
  directives: ["link", "composeDirective", "key", "shareable", "public", "visible", "signedIn", "owner", "scopes", "inherited"],
  types: ["_Any", "_Entity", "_Service", "Otherwise"],
  fields: ["_entities", "_service"], // of Query
};

const sdl = readFileSync(0, "utf8");
const printed = buildSchema(sdl);
assertValidSchema(printed);

const query = getIntrospectionQuery({ specifiedByUrl: true, directiveIsRepeatable: true, schemaDescription: true, inputValueDeprecation: true, oneOf: true });
const response = await fetch(process.argv[2], {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ query }),
});
const { data, errors } = await response.json();
if (errors) throw new Error(`introspection: ${JSON.stringify(errors)}`);

const schema = data.__schema;
const root = schema.types.find(({ name }) => name === schema.queryType.name);
schema.directives = without(schema.directives, leftOut.directives);
schema.types = without(schema.types, leftOut.types);
root.fields = without(root.fields, leftOut.fields);

const [ours, served] = [printed, buildClientSchema(data)].map((s) => printSchema(lexicographicSortSchema(s)).split("\n"));
const at = served.findIndex((line, i) => line !== ours[i]);
if (at >= 0 || served.length !== ours.length) {
  console.error(`from line ${at + 1} on\nserved:  ${served.slice(at, at + 5).join("\n         ")}\nprinted: ${ours.slice(at, at + 5).join("\n         ")}`);
  process.exitCode = 1;
} else console.log(`${served.length} lines are the same`);

// Each name has to be there before it is left out.
function without(list, names) {
  const missing = names.filter((name) => !list.some((each) => each.name === name));
  if (missing.length > 0) throw new Error(`the server does not show ${missing}`);
  return list.filter(({ name }) => !names.includes(name));
}
