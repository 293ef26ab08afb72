// Composes the schemas that `schema --router` has printed, with the composers of Apollo, Hive and Cosmo, and prints how many fields of the
// results require a signed-in user, and how many require scopes. The arguments are the files.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { composeServices as apollo } from "@apollo/composition";
import { composeServices as hive } from "@theguild/federation-composition";
import { federateSubgraphs as cosmo } from "@wundergraph/composition";
import { parse, visit } from "graphql";

const subgraphs = process.argv.slice(2).map((file) => ({
  name: basename(file, ".graphql"),
  url: "http://subgraph.example/graphql",
  typeDefs: parse(readFileSync(file, "utf8")),
}));

// How many fields of a schema have each directive.
function count(sdl) {
  const found = { authenticated: 0, requiresScopes: 0 };
  visit(parse(sdl), {
    FieldDefinition: (field) => {
      for (const directive of field.directives) if (directive.name.value in found) found[directive.name.value]++;
    },
  });
  return found;
}

function composed({ supergraphSdl, errors }) {
  if (errors) throw new AggregateError(errors, errors.join("\n"));
  return count(supergraphSdl);
}

// Cosmo's router reads the requirements from configurations of the fields.
function configured({ success, errors, fieldConfigurations }) {
  if (!success) throw new AggregateError(errors, errors.join("\n"));
  return {
    authenticated: fieldConfigurations.filter((field) => field.requiresAuthentication && !field.requiredScopes?.length).length,
    requiresScopes: fieldConfigurations.filter((field) => field.requiredScopes?.length).length,
  };
}

console.log(
  JSON.stringify({
    apollo: composed(apollo(subgraphs)),
    hive: composed(hive(subgraphs)),
    cosmo: configured(cosmo({ subgraphs: subgraphs.map(({ typeDefs, ...rest }) => ({ ...rest, definitions: typeDefs })), version: "1" })),
  }),
);
