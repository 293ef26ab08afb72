// Bundles the tests of clients and the pages for the browser in the folder that the argument names. Packages stay where they are in tests,
// and are part of pages. Fails if a snippet of the docs is in none of the bundles.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import babel from "@babel/core";
import { build } from "esbuild";

const dir = process.argv[2];
const files = (folder, ending) => readdirSync(join(dir, folder)).filter((name) => name.endsWith(ending));
const options = { absWorkingDir: dir, bundle: true, format: "esm", metafile: true, logLevel: "warning", jsx: "automatic", loader: { ".graphql": "text" } };

// Relay's documents become imports of what relay-compiler wrote, as in an app with the plugin of Vite, webpack or Babel.
const relay = {
  name: "relay",
  setup({ onLoad }) {
    onLoad({ filter: /docs\/src\/\w+\.tsx?$/ }, async ({ path }) => {
      const { code } = await babel.transformAsync(readFileSync(path, "utf8"), {
        filename: path,
        configFile: false,
        parserOpts: { plugins: ["typescript", "jsx"] },
        plugins: [["relay", { eagerEsModules: true }]],
      });
      return { contents: code, loader: path.endsWith("x") ? "tsx" : "ts" };
    });
  },
};

// Version 3 has another name here. It is bundled, since Node does not find the modules in its folders.
const third = {
  name: "third",
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^@apollo\/client($|\/)/ }, ({ path, kind, resolveDir }) => resolve(path.replace("@apollo/client", "apollo-client-3"), { kind, resolveDir }));
  },
};

const tests = files("tests", ".test.mjs");
const built = await Promise.all([
  build({ ...options, platform: "node", packages: "external", outdir: "out", outExtension: { ".js": ".mjs" }, entryPoints: tests.filter((name) => name !== "apollo-3.test.mjs").map((name) => `tests/${name}`) }),
  build({ ...options, platform: "node", external: ["node:*"], outfile: "out/apollo-3.test.mjs", entryPoints: ["tests/apollo-3.test.mjs"], plugins: [third] }),
  build({ ...options, platform: "browser", outdir: "out", entryPoints: files("tests", ".page.tsx").map((name) => `tests/${name}`), plugins: [relay], define: { "process.env.NODE_ENV": '"production"' } }),
]);
const used = new Set(built.flatMap(({ metafile }) => Object.keys(metafile.inputs)));
const unused = [...files("docs", ".ts").map((name) => `docs/${name}`), ...files("docs/src", "").filter((name) => /\.tsx?$/.test(name)).map((name) => `docs/src/${name}`)]
  .filter((path) => !used.has(relative(".", path)));
if (unused.length > 0) throw new Error(`no test uses ${unused}`);
