import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { sha256Hex } from '../lib/hash.ts';
import { createLocalSigner } from '../nostr/local-signer.ts';
import { runAgent } from './agent.ts';
import type { Context } from './context.ts';
import { ownKey } from './identity.ts';
import { readNodeFile, readServicesFile } from './node-file.ts';
import { paceOf } from './pace.ts';
import { pathsOf } from './paths.ts';
import { Relays } from './relays.ts';
import { createRealServices } from './services/real.ts';
import { createStubServices, makeUpCredentials } from './services/stub.ts';
import { newState, StateFile } from './state.ts';
import { crashPoints, journal, systemClock, systemRng } from './system.ts';
import { createTurns } from './turns.ts';

/** Set by the bundler to the release it was built from. */
const VERSION = process.env.TIMMY_AGENT_VERSION ?? 'dev';

/** One agent for each root: a name in the kernel that goes with the process, however it ends. */
function alone(root: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const door = createServer((socket) => socket.destroy());
    door.once('error', () => reject(new Error('another agent runs here')));
    door.listen(`\0timmy-agent-${sha256Hex(root).slice(0, 32)}`, () => {
      door.unref();
      resolve();
    });
  });
}

/** What a killed life had begun to write. */
function clearDrafts(folder: string): void {
  for (const name of readdirSync(folder)) if (/^(identity|state)\.json\..*new$/.test(name)) rmSync(`${folder}/${name}`);
}

async function main(env: NodeJS.ProcessEnv): Promise<void> {
  const root = env['TIMMY_NODE_ROOT'] ?? '';
  const fast = env['TIMMY_NODE_FAST'] === '1';
  const paths = pathsOf(root);
  const node = readNodeFile(paths.node);
  const servicesFile = readServicesFile(paths, env);
  await alone(root);
  mkdirSync(paths.kept, { recursive: true, mode: 0o700 });

  const ending = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ending.abort());
  const [clock, rng, pace, stop] = [systemClock, systemRng, paceOf(fast), ending.signal];
  const log = journal((line) => process.stderr.write(line));
  const reach = crashPoints(env['TIMMY_CRASH_AT']);

  clearDrafts(paths.kept);
  const isReborn = existsSync(paths.identity);
  const signer = createLocalSigner(ownKey(paths.identity, rng), rng);
  reach('identity.kept');
  // A node that lost its notes must not carry out again what it may have carried out before.
  const state = new StateFile(paths.state, () => newState(clock.now(), node.termEndsAt, isReborn ? clock.now() : 0));
  const relays = new Relays({ clock, rng, pace, signer });
  const context: Context = {
    ...{ node, paths, state, signer, relays, pace, clock, rng, log, reach, stop },
    turns: createTurns(),
    version: VERSION,
  };
  const isMadeUp = node.stub && !servicesFile.given;
  if (isMadeUp && state.now.credentials.sha256 === null) makeUpCredentials(paths, rng);
  const services = isMadeUp
    ? createStubServices(node, state.now.bornAt, fast, clock, rng)
    : createRealServices(servicesFile, paths, { clock, rng, log, pace, stop });
  // What hangs on a deaf relay at the end is not waited for.
  const ended = new Promise<void>((resolve) => stop.addEventListener('abort', () => clock.after(3_000, resolve)));
  await Promise.race([runAgent(context, services), ended]);
}

main(process.env).then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`error agent.ended ${JSON.stringify(error instanceof Error ? error.message : 'unknown')}\n`);
    process.exit(1);
  },
);
