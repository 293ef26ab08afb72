// Composes the schema on standard input with that of posts.graphql, as a router's tools would, and sees to it that
// each rule of each field reaches the supergraph. A file in the arguments has the schema of a second subgraph with rules.
import { readFileSync } from "node:fs";
import { composeServices } from "@apollo/composition";
import { parse, print, visit } from "graphql";

const rules = ["public", "visible", "signedIn", "owner", "inherited"];

const schema = parse(readFileSync(0, "utf8"));
const posts = parse(readFileSync(new URL("posts.graphql", import.meta.url), "utf8"));
const second = process.argv.slice(2).map((file) => parse(readFileSync(file, "utf8")));

// Every use of a rule, such as `User.email @owner`.
function uses(document) {
  const found = new Set();
  const add = (type) => {
    for (const field of type.fields)
      for (const directive of field.directives)
        if (rules.includes(directive.name.value)) found.add(`${type.name.value}.${field.name.value} ${print(directive)}`);
  };
  visit(document, {
    ObjectTypeDefinition: add,
    ObjectTypeExtension: add,
  });
  return found;
}

function faults() {
  const { errors, hints, supergraphSdl } = composeServices([
    { name: "freehold", url: "http://freehold.example/graphql", typeDefs: schema },
    { name: "posts", url: "http://posts.example/graphql", typeDefs: posts },
    ...second.map((typeDefs, i) => ({ name: `second${i}`, url: "http://second.example/graphql", typeDefs })),
  ]);
  if (errors) return errors.map((error) => error.message);
  const warnings = hints.filter((hint) => hint.definition.level.name === "WARN").map(String);
  const ours = new Set([schema, ...second].flatMap((document) => [...uses(document)]));
  const kept = uses(parse(supergraphSdl));
  const unused = rules.filter((rule) => ![...ours].some((use) => use.includes(` @${rule}`)));
  return [
    ...warnings,
    ...unused.map((rule) => `@${rule} stands nowhere in the schema`),
    ...[...ours].filter((use) => !kept.has(use)).map((use) => `${use} is not in the supergraph`),
  ];
}

const found = faults();
for (const fault of found) console.error(`compose: ${fault}`);
if (found.length === 0) console.log("compose: the schema composes, and its rules reach the supergraph");
process.exitCode = found.length === 0 ? 0 : 1;
