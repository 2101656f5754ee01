import type { UnixSeconds } from '../../lib/units.ts';
import type { Credentials } from '../credentials-file.ts';
import type { Disk } from '../host.ts';
import { STUB_LINE } from '../letters.ts';
import type { NodeFile } from '../node-file.ts';
import { npubOf } from '../npub.ts';
import type { Peer, RpcChange, Snapshot } from '../services/services.ts';
import type { Trouble } from '../watch.ts';

/** A time as people and logs write it: `2026-12-31 14:00 UTC`. */
export function dateText(at: UnixSeconds): string {
  return `${new Date(at * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** A notification of this node, as one message. */
export function notification(node: NodeFile, method: 'node.updated' | 'node.credentials', params: object): string {
  return JSON.stringify({
    jsonrpc: '2.0',
    method,
    params: { order: node.order, ...(node.stub && { stub: STUB_LINE }), ...params },
  });
}

export function introductionText(
  node: NodeFile,
  pubkey: string,
  keys: readonly string[],
  termEndsAt: UnixSeconds,
): string {
  const npub = npubOf(pubkey);
  if (node.voice === 'rpc') {
    return notification(node, 'node.updated', { event: 'introduced', npub, host_keys: keys, term_ends_at: termEndsAt });
  }
  return [
    `I am your Bitcoin node of order ${node.order}. My key was made on this machine and is nowhere else: ${npub}. Timmy names the same one to you; believe no other.`,
    ...(keys.length > 0 ? [`SSH will show you one of these fingerprints: ${keys.join(' ')}`] : []),
    `I am setting myself up. My credentials follow, from me to you alone: Timmy never sees them. I am rented until ${dateText(termEndsAt)}.`,
    'I obey your key alone. Send help to see what I do.',
  ].join('\n\n');
}

/** Two messages: the credentials, then what to do next. */
export function credentialTexts(node: NodeFile, credentials: Credentials): readonly string[] {
  const { bitcoinRpc, lnbits, lnd, ssh, tailscale, nextSteps } = credentials;
  if (node.voice === 'rpc') {
    return [
      notification(node, 'node.credentials', {
        bitcoin_rpc: bitcoinRpc,
        lnbits,
        lnd,
        ssh: { user: ssh.user, host_keys: ssh.hostKeys },
        tailscale: tailscale === null ? null : { name: tailscale },
        next_steps: nextSteps,
      }),
    ];
  }
  const values = (name: string, of: Readonly<Record<string, string>> | null): string[] =>
    of === null
      ? []
      : [[`${name}:`, ...Object.entries(of).map(([key, value]) => `${key.replaceAll('_', ' ')}: ${value}`)].join('\n')];
  const first = [
    `Credentials of ${node.order}, made on this machine and sent to you alone. Keep this message; on the node, timmy-creds shows them again.`,
    `Bitcoin RPC (from the node itself):\nurl: ${bitcoinRpc.url}\nuser: ${bitcoinRpc.user}\npassword: ${bitcoinRpc.password}`,
    ...values('LNbits', lnbits),
    ...values('LND', lnd),
    [`SSH: log in as ${ssh.user} with the key of your order.`, ...ssh.hostKeys].join('\n'),
    ...(tailscale === null ? [] : [`Tailscale: ${tailscale}`]),
    'This is a rented machine: who owns the cloud account could read its disk. Keep no savings here.',
  ].join('\n\n');
  if (nextSteps.length === 0) return [first];
  return [first, ['What to do next:', ...nextSteps.map((step, index) => `${index + 1}. ${step}`)].join('\n')];
}

export function rotatedText({ url, user, password }: RpcChange): string {
  return `The new Bitcoin RPC password works, the old one no longer does.\nurl: ${url}\nuser: ${user}\npassword: ${password}\nKeep this message: I have no copy.`;
}

export function undoneText(node: NodeFile): string {
  return node.voice === 'rpc'
    ? notification(node, 'node.updated', { event: 'rotation_undone' })
    : 'The old Bitcoin RPC password is in force again. Send rotate to try once more.';
}

const percentOf = (ppm: number): string => `${(Math.floor(ppm / 100) / 100).toFixed(2)} %`;
const gb = (mb: number): string => `${(mb / 1000).toFixed(mb < 10_000 ? 1 : 0)} GB`;
const diskText = (disk: Disk | null): string =>
  disk === null ? 'unknown' : `${gb(disk.freeMb)} free of ${gb(disk.totalMb)}`;

export interface StatusParts {
  readonly snapshot: Snapshot;
  readonly trouble: readonly Trouble[];
  readonly termEndsAt: UnixSeconds;
  readonly relays: { readonly of: number; readonly up: number };
}

export function statusText(node: NodeFile, { snapshot, trouble, termEndsAt, relays }: StatusParts): string {
  const { bitcoind, lnd, lnbits, disk } = snapshot;
  const chain =
    bitcoind.state === 'up'
      ? `Block ${bitcoind.height} of ${bitcoind.headers}, ${bitcoind.synced ? 'synced' : `${percentOf(bitcoind.progressPpm)} verified`}, ${bitcoind.peers} peers. ${bitcoind.version}${node.pruneMib > 0 ? ', pruned' : ', whole chain'}.`
      : bitcoind.state === 'starting'
        ? 'bitcoind is starting and loads its blocks.'
        : 'bitcoind does not answer.';
  return [
    `${node.order}: ${trouble.length === 0 ? 'all is well' : trouble.map((one) => TROUBLE_TEXT[one]).join('; ')}.`,
    chain,
    `LND: ${lndText(lnd)}. LNbits: ${lnbits ? 'running' : 'not running'}.`,
    `Disk: ${diskText(disk)}. Relays: ${relays.up} of ${relays.of}.`,
    `Rented until ${dateText(termEndsAt)}.`,
  ].join('\n');
}

function lndText(state: string | null): string {
  if (state === null) return 'not running';
  if (state === 'NON_EXISTING') return 'waits for its wallet (run lnd-init on the node)';
  return state.toLowerCase().replaceAll('_', ' ');
}

export function peersText(peers: readonly Peer[]): string {
  if (peers.length === 0) return 'No peers at the moment.';
  const lines = peers.map(
    ({ address, version, inbound, pingMs }) =>
      `${inbound ? 'in' : 'out'} ${address} ${version}${pingMs === null ? '' : ` ${pingMs} ms`}`,
  );
  return [`${peers.length} ${peers.length === 1 ? 'peer' : 'peers'}:`, ...lines].join('\n');
}

export const TROUBLE_TEXT: Readonly<Record<Trouble, string>> = {
  wrong_chain: 'I am on the wrong chain: a block that Bitcoin has is another one here. Do not use me for money',
  disk_low: 'the disk is nearly full',
  bitcoind_down: 'bitcoind does not answer',
  lnd_down: 'LND does not answer',
  lnbits_down: 'LNbits does not answer',
  no_peers: 'bitcoind has no peers',
  clock: 'the clock of this machine is not set',
};

export const HELP_TEXT = [
  'I obey your key alone. Send me:',
  'status: sync, disk, services, end of term',
  'peers: who bitcoind is connected to',
  'restart [bitcoin | lnd | lnbits]',
  'logs [bitcoin | lnd | lnbits | setup] [lines]',
  'rotate: a new Bitcoin RPC password',
].join('\n');

export const RPC_METHODS = [
  'node.status',
  'node.peers',
  'node.restart',
  'node.logs',
  'node.rotate',
  'node.help',
] as const;
