// `node breaking.mjs BEFORE AFTER ACCEPTED` compares two schemas and fails if a client of BEFORE could break with AFTER. ACCEPTED is a file
// with the paths of deliberate changes, one in a line.
import { readFileSync } from "node:fs";
import { diff } from "@graphql-inspector/core";
import { buildSchema, isObjectType } from "graphql";

// Each rule is narrower than those before it. What @inherited means depends on the field that returned the object.
const RULES = ["public", "visible", "signedIn", "owner", "scopes"];

/** Returns what breaks clients and is not deliberate, and what else is worth knowing. */
export async function compare(older, newer, accepted) {
  // The directives of Federation come from a @link.
  const [before, after] = [older, newer].map((sdl) => buildSchema(sdl, { assumeValidSDL: true }));
  const breaking = (await diff(before, after))
    .filter(({ criticality, type }) => criticality.level === "BREAKING" && !type.startsWith("DIRECTIVE_USAGE"))
    .map(({ path, message }) => ({ path, message }));
  const notes = [];
  const rules = rulesOf(after);
  for (const [path, was] of rulesOf(before)) {
    const is = rules.get(path);
    if (is === undefined || is.text === was.text) continue;
    const message = `the rule was ${was.text} and is ${is.text}`;
    if (was.rank < is.rank) breaking.push({ path, message: `${message}, which is narrower` });
    else notes.push(`rule changed: ${path}: ${message}`);
  }
  const deliberate = accepted.split("\n").map((line) => line.trim()).filter((line) => line && !line.startsWith("#"));
  const stale = deliberate.filter((path) => !breaking.some((change) => change.path === path));
  return {
    notes,
    faults: [
      ...breaking.filter(({ path }) => !deliberate.includes(path)).map(({ path, message }) => `breaking: ${path}: ${message}`),
      ...stale.map((path) => `not a breaking change any more: ${path}; remove it from the list`),
    ],
  };
}

/** The rule of each field, by its path: its text, and its rank in RULES. */
function rulesOf(schema) {
  const rules = new Map();
  for (const type of Object.values(schema.getTypeMap()).filter(isObjectType)) {
    const nodes = [type.astNode, ...type.extensionASTNodes].flatMap((node) => node?.fields ?? []);
    for (const { name, directives } of nodes) {
      const found = directives.filter((directive) => RULES.includes(directive.name.value));
      const text = found.map(({ loc }) => loc.source.body.slice(loc.start, loc.end).replace(/ ?\(reason: [^)]*\)/, "")).join(" ");
      if (text) rules.set(`${type.name}.${name.value}`, { text, rank: Math.max(...found.map((directive) => RULES.indexOf(directive.name.value))) });
    }
  }
  return rules;
}

if (process.argv.length === 5) {
  const { notes, faults } = await compare(...process.argv.slice(2).map((path) => readFileSync(path, "utf8")));
  for (const note of notes) console.log(note);
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
  else console.log("no client breaks");
}
