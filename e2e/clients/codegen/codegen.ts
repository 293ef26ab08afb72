import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "schema.graphql",
  documents: "app.ts",
  generates: { "gql/": { preset: "client" } },
  config: {
    strictScalars: true,
    scalars: { DateTime: "string", Date: "string", URL: "string", JSON: "unknown" },
  },
};

export default config;
