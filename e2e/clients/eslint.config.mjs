// graphql-eslint's recommended rules and Relay's, for the schema of `freehold schema --client`.
import graphql from "@graphql-eslint/eslint-plugin";

const { configs, parser } = graphql;

export default [
  {
    files: ["schema.graphql"],
    languageOptions: { parser, parserOptions: { graphQLConfig: { schema: "schema.graphql" } } },
    plugins: { "@graphql-eslint": graphql },
    rules: {
      ...configs["flat/schema-recommended"].rules,
      ...configs["flat/schema-relay"].rules,
      // Only what has a row has an id. Payloads, connections and values have none.
      "@graphql-eslint/strict-id-in-types": ["error", {
        acceptedIdNames: ["id"],
        acceptedIdTypes: ["ID"],
        exceptions: {
          suffixes: ["Payload", "Connection", "Edge", "Permissions"],
          types: ["Settings", "Length", "RequestLimits", "PageInfo", "SecondFactorChallenge", "PendingSignUp", "Tokens", "OAuthProvider"],
        },
      }],
      // Lists of enums and ids, `nodes` of connections and `credentials` have few entries and need no edges. Events and accounts are in
      // connections and are not Nodes: nobody refetches an event, and operators read an account through its user.
      "@graphql-eslint/relay-edge-types": ["error", { withEdgeSuffix: true, shouldImplementNode: false, listTypeCanWrapOnlyEdgeType: false }],
    },
  },
];
