import { execFileSync } from 'node:child_process';

/** Compiles src to dist, the node's agent bundled, once, before any suite that starts the daemon; quick when nothing changed. */
export default function build(): void {
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
    stdio: 'inherit',
  });
  execFileSync(process.execPath, ['scripts/build-agent.mjs'], { stdio: 'inherit' });
}
