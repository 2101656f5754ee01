import { sha256Hex } from '../../lib/hash.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Rng } from '../../lib/rng.ts';
import type { UnixSeconds } from '../../lib/units.ts';
import { createDurably, readText } from '../durable-file.ts';
import type { NodeFile } from '../node-file.ts';
import type { NodePaths } from '../paths.ts';
import { newPassword, newSalt, rpcAuthLine } from './rpc-auth.ts';
import type { Services } from './services.ts';

const HEADERS = 925_000;
/** A made-up node is synced after so long. Seconds. */
const SYNC_SECONDS = 600;

/** A node that does not exist: it syncs by the clock, has eight peers and does as it is told. `fast`: a second is a minute. */
export function createStubServices(
  node: NodeFile,
  bornAt: UnixSeconds,
  fast: boolean,
  clock: Clock,
  rng: Rng,
): Services {
  const progress = (): number => Math.min(1, ((clock.now() - bornAt) * (fast ? 60 : 1)) / SYNC_SECONDS);
  const peerOf = (index: number): string => {
    const bytes = Buffer.from(sha256Hex(`${node.order} ${index}`), 'hex');
    return `198.51.100.${bytes[0]}:8333`;
  };
  return {
    async look() {
      return {
        bitcoind: {
          state: 'up',
          version: node.impl === 'core' ? 'Satoshi:31.0.0' : 'Satoshi:29.3.0/Knots:20260507',
          chain: 'main',
          height: Math.floor(HEADERS * progress()),
          headers: HEADERS,
          progressPpm: Math.floor(1_000_000 * progress()),
          synced: progress() >= 1,
          peers: 8,
          isWrongChain: false,
        },
        lnd: 'NON_EXISTING',
        lnbits: false,
        disk: { freeMb: 120_000 - Math.floor(90_000 * progress()), totalMb: 160_000 },
        isClockSet: true,
      };
    },
    async peers() {
      return [0, 1, 2, 3, 4, 5, 6, 7].map((index) => ({
        address: peerOf(index),
        version: 'Satoshi:31.0.0',
        inbound: false,
        pingMs: 40 + index,
      }));
    },
    restart: async () => true,
    logs: async (source) => `${source}: nothing to show, for nothing runs`,
    planRpcChange(user) {
      const name = user ?? 'owner';
      const password = newPassword(rng);
      const newLine = rpcAuthLine(name, newSalt(rng), password);
      return { url: 'http://127.0.0.1:8332', user: name, password, oldLine: `rpcauth=${name}:`, newLine };
    },
    setRpcLine: async () => true,
  };
}

/** What the setup would have left for the owner, so that a stub can be seen to deliver it. Once, and never over a file. */
export function makeUpCredentials(paths: NodePaths, rng: Rng): void {
  if (readText(paths.credentials) !== null) return;
  const credentials = {
    v: 1,
    bitcoin_rpc: { url: 'http://127.0.0.1:8332', user: 'owner', password: newPassword(rng) },
    lnbits: null,
    lnd: { rest_url: 'https://127.0.0.1:8080', note: 'made by lnd-init, which you run once the chain is synced' },
    ssh: { user: 'root', host_keys: [] },
    tailscale: null,
    next_steps: [
      'On a real node: log in with ssh root@<address> and compare the fingerprint.',
      'Watch the sync: send me status.',
      'When the chain is synced: run lnd-init on the node, then open LNbits through ssh -L 5000:127.0.0.1:5000.',
    ],
  };
  createDurably(paths.credentials, `${JSON.stringify(credentials)}\n`);
}
