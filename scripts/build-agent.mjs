// Bundles the node's agent (src/node-agent) into one file that travels in user_data: dist/node-agent/agent.cjs, or the
// path given. The same sources give the same bytes. Prints what it weighs there.
import { build } from 'esbuild';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const target = resolve(process.argv[2] ?? `${root}/dist/node-agent/agent.cjs`);
const { version } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));

/** WebAssembly does not fit into user_data, and the node has time: it gets the curve in JavaScript. */
const javascriptCurve = {
  name: 'javascript-curve',
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/curve\/index\.ts$/ }, () => ({ path: `${root}/src/node-agent/curve.ts` })),
};

const { outputFiles } = await build({
  entryPoints: [`${root}/src/node-agent/main.ts`],
  absWorkingDir: root,
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  charset: 'utf8',
  legalComments: 'none',
  define: { 'process.env.TIMMY_AGENT_VERSION': JSON.stringify(version) },
  plugins: [javascriptCurve],
  write: false,
});
const [bundle] = outputFiles;
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, bundle.contents);
const packed = Math.ceil(gzipSync(bundle.contents, { level: 9 }).length / 3) * 4;
console.error(`${target}: ${bundle.contents.length} bytes, ${packed} in user_data`);
