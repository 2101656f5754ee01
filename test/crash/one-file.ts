import { build } from 'esbuild';

/**
 * Joins src and what it imports into the one file that vitest.config.ts names in `DAEMON_PROGRAM`, before the crash suite:
 * that starts hundreds of daemons, and most of a start goes into finding and reading seven hundred modules. It lies as
 * deep below the root as the modules do whose neighbours it must find: migrations, settings, package.json.
 */
export default async function joinIntoOneFile(): Promise<void> {
  await build({
    entryPoints: ['src/main.ts'],
    outfile: '.cache/one-file/timmy.mjs',
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    keepNames: true,
    // They bring machine code of their own.
    external: ['better-sqlite3', 'tiny-secp256k1'],
    banner: { js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);` },
    logLevel: 'warning',
  });
}
