// Builds the playground into dist/: hashed files in dist/playground, and manifest.json, which tells the Go side their
// names.
//
// GraphiQL stays at 4.x: 1.8 MB bundled. 5.x has Monaco for an editor: 6.4 MB, and workers on top.
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';

const assets = 'dist/playground';

await rm(assets, { recursive: true, force: true });
await rm('dist/manifest.json', { force: true });

const { metafile } = await build({
  entryPoints: { main: 'src/main.jsx' },
  outdir: assets,
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  bundle: true,
  splitting: true, // GraphiQL loads the parts of its editor when it needs them
  format: 'esm',
  target: 'es2022',
  minify: true,
  metafile: true,
  jsx: 'automatic',
  define: { 'process.env.NODE_ENV': '"production"' },
  legalComments: 'none', // the licences have a file of their own
  alias: { 'react-style-singleton': './src/no-style.js' },
});

const names = Object.keys(metafile.outputs);
const script = names.find((name) => metafile.outputs[name].entryPoint === 'src/main.jsx');
const style = metafile.outputs[script].cssBundle;
const path = (name) => name.slice('dist'.length);

const texts = await licences(Object.keys(metafile.inputs));
const text = `${assets}/licences-${createHash('sha256').update(texts).digest('hex').slice(0, 8)}.txt`;

await writeFile(text, texts);
await writeFile('dist/manifest.json', JSON.stringify({ script: path(script), style: path(style), licences: path(text) }));

// licences returns the licence of each npm package that one of the bundled files belongs to: they ask to come along
// with every copy.
async function licences(files) {
  const packages = new Set(files.map((file) => file.match(/^node_modules\/(@[^/]+\/)?[^/]+/)?.[0]).filter(Boolean));
  const texts = [...packages].sort().map(async (folder) => {
    const { name, version, license } = JSON.parse(await readFile(`${folder}/package.json`));
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    return `${name} ${version} (${license})\n\n${file ? await readFile(`${folder}/${file}`, 'utf8') : ''}`;
  });
  return (await Promise.all(texts)).join(`\n\n${'-'.repeat(80)}\n\n`);
}
