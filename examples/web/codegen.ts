import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "src/generated/schema.graphql",
  documents: ["src/**/*.{ts,tsx}", "!src/generated/**"],
  generates: {
    "src/generated/gql/": {
      preset: "client",
      presetConfig: { fragmentMasking: { unmaskFunctionName: "unmask" } }, // it is no hook, in spite of its usual name
    },
  },
  config: {
    strictScalars: true, // fail if a scalar has no type; otherwise it is any
    scalars: { DateTime: "string", Date: "string", URL: "string", JSON: "unknown" },
    useTypeImports: true,
    enumsAsTypes: true,
  },
};

export default config;
