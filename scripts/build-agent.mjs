// Bundles the node's agent (src/node-agent) into one file that travels in user_data: dist/node-agent/agent.cjs, or the
// path given. The same sources give the same bytes. Prints what it weighs there.
import { build } from 'esbuild';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const target = resolve(process.argv[2] ?? `${root}/dist/node-agent/agent.cjs`);
const { version } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));

/**
 * WebAssembly does not fit into user_data, and the node has time: it gets the curve in JavaScript. NIP-04 it never
 * speaks.
 */
const lighter = {
  name: 'lighter',
  setup({ onResolve }) {
    onResolve({ filter: /\/curve\/index\.ts$/ }, () => ({ path: `${root}/src/node-agent/curve.ts` }));
    onResolve({ filter: /\/nip04\.ts$/ }, () => ({ path: `${root}/src/node-agent/no-nip04.ts` }));
  },
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
  plugins: [lighter],
  write: false,
});
const [bundle] = outputFiles;
// cloud-init unpacks gzip alone, but Node knows Brotli: a tenth less, and user_data is short of room.
const tight = brotliCompressSync(bundle.contents, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
const text = `// The agent of a Timmy node (src/node-agent), bundled and packed by scripts/build-agent.mjs.
new Function('require', require('node:zlib').brotliDecompressSync(Buffer.from('${tight.toString('base64')}', 'base64')).toString())(require);
`;
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, text);
const packed = Math.ceil(gzipSync(text, { level: 9 }).length / 3) * 4;
console.error(`${target}: ${bundle.contents.length} bytes of code, ${packed} bytes in user_data`);
