// Writes what the front end takes from freehold: the schema, the access matrix, and the types of this front end's operations. It needs no
// server. FREEHOLD is the program.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
const freehold = process.env.FREEHOLD ?? "../../freehold";
const run = (...args) => execFileSync(freehold, args, { encoding: "utf8", maxBuffer: 64 << 20 });

mkdirSync("src/generated", { recursive: true });
writeFileSync("src/generated/schema.graphql", run("schema", "--client"));
writeFileSync("src/generated/readers.ts", readers(JSON.parse(run("access", "--format=json")).fields, ["Profile", "User"]));
execFileSync("node_modules/.bin/graphql-codegen", ["--silent"], { stdio: "inherit" });

// readers returns a module that says who reads each field of some types, according to the access matrix.
function readers(fields, types) {
  const of = ({ answers }) =>
    answers["nobody, visible-to"] === "value" ? "VISIBLE" : answers["member, visible-to"] === "value" ? "MEMBERS" : answers.owner === "value" ? "OWNER" : "NOBODY";
  const entries = (type) => fields.filter((f) => f.type === type).map((f) => `    ${f.field}: "${of(f)}",\n`);
  return [
    "// From `freehold access`. VISIBLE: all who can see the row.\n",
    'export type Readers = "VISIBLE" | "MEMBERS" | "OWNER" | "NOBODY";\n',
    "export const readers = {\n",
    ...types.map((type) => `  ${type}: {\n${entries(type).join("")}  },\n`),
    "} as const satisfies Record<string, Record<string, Readers>>;\n",
  ].join("");
}
