import { rpcMoney } from '../../engine/rpc-shapes.ts';
import type { Reader } from '../../db/index.ts';
import { encodeNpub } from '../../nostr/keys.ts';
import { lastTerm } from './lease/term.ts';
import { reportOf } from './reports.ts';
import type { NodeOrder } from './states.ts';
import { whyFailed } from './text.ts';

/** A node in JSON-RPC (docs/rpc.md). Its credentials are never in it: they travel from the node to its owner. */
export function rpcNode(reader: Reader, node: NodeOrder, sshPrivateKey: string | null = null): Record<string, unknown> {
  const { id, seq, state, offer, handles } = node;
  const { invoice, refund } = rpcMoney(reader, id, 'open and paid');
  const term = lastTerm(node.terms);
  return {
    id,
    seq,
    state,
    step: node.doing,
    created_at: node.createdAt,
    updated_at: node.updatedAt,
    fee_sats: node.wanted.feeSats,
    term_seconds: node.wanted.termSeconds,
    term_ends_at: term?.until ?? null,
    offer: {
      region: offer.region,
      size: offer.size,
      vcpus: offer.vcpus,
      memory_mb: offer.memoryMb,
      disk_gb: offer.diskGb,
      volume_gb: offer.volumeGb,
      implementation: offer.impl,
      prune_mib: offer.pruneMib,
      monthly_usd: usd(offer.monthlyUsdMicros),
      tailscale: offer.tailscale,
      stub: offer.isStub,
    },
    invoice,
    node: hasHost(node)
      ? {
          npub: node.node === null ? null : encodeNpub(node.node.pubkey),
          ip: handles.ipv4,
          region: node.region,
          size: offer.size,
          tailscale_hostname: handles.tailnetName,
          // Where it is reached through `ssh -L 5000:127.0.0.1:5000`.
          lnbits_url: 'http://127.0.0.1:5000',
          host_keys: node.node?.hostKeys ?? [],
          announced: node.node !== null,
          report: node.node === null ? null : reportOf(reader, node.node.pubkey),
        }
      : null,
    ssh_public_key: node.sshPublicKey,
    ssh_private_key: sshPrivateKey,
    next_steps: nextSteps(node),
    error: node.failure === null ? null : { code: node.failure, message: whyFailed(node.failure) },
    refund,
  };
}

function hasHost({ state, handles }: NodeOrder): boolean {
  return handles.ipv4 !== null && (state === 'provisioning' || state === 'ready' || state === 'expiring');
}

function nextSteps(node: NodeOrder): string[] {
  const { id, state, handles } = node;
  if (state === 'awaiting_payment') return [`pay the invoice; bootstrap.get {"id": "${id}"} shows it`];
  if (state === 'provisioning') return ['wait: bootstrap.updated says each step'];
  if (state === 'expiring' && node.doing !== 'clean_up')
    return [`renew it: bootstrap.invoice {"id": "${id}"}`, 'or copy away what is on it by SSH'];
  if (state !== 'ready') return [];
  return [
    `log in: ssh root@${handles.ipv4 ?? ''}`,
    'watch the sync: timmy-status (one to two weeks)',
    'once synced, make the Lightning wallet: lnd-init; its seed is shown to you alone',
    'open LNbits: ssh -L 5000:127.0.0.1:5000, then http://127.0.0.1:5000',
    'sweeps: edit /etc/timmy/sweep.json on the node; off until you do',
  ];
}

function usd(micros: number): string {
  return (micros / 1_000_000).toFixed(2);
}
