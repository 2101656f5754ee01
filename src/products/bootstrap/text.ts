import { customer } from '../../customers/index.ts';
import type { Reader, Tx } from '../../db/index.ts';
import { assertNever } from '../../lib/assert-never.ts';
import type { Sats } from '../../lib/units.ts';
import { encodeNpub } from '../../nostr/keys.ts';
import { openInvoiceOf, type InvoiceRow } from '../../payments/index.ts';
import { owedSentence } from '../_shared/owed-words.ts';
import { lastTerm } from './lease/term.ts';
import { showMicros } from './rentals.ts';
import { sshFingerprint } from './ssh-key.ts';
import type { NodeNotice, NodeOrder, Offer } from './states.ts';

export interface NodeTextOptions {
  readonly askMinSats: number;
  readonly graceSeconds: number;
  readonly now: () => number;
}

const STUB = 'STUB: no server exists. ';

/** The sentences of a node: plain, short, true about the money, and saying what to send next. */
export function nodeWords(options: NodeTextOptions, tx: Tx, node: NodeOrder, notice: NodeNotice): readonly string[] {
  const { id } = node;
  const owed = (amountSats: Sats): string => owedSentence(tx, node.owner, amountSats, options.askMinSats);
  switch (notice.type) {
    case 'price':
      return [priceText(tx, node, options.now())];
    case 'invoice': {
      const invoice = openInvoiceOf(tx, id);
      if (invoice?.bolt11 == null) return [];
      const again = `${id}: ${invoice.amountSats} sats, good for another ${time(secondsLeft(invoice, options.now()))}. Invoice follows.`;
      return notice.again ? [again, alone(tx, node, invoice.bolt11)] : [alone(tx, node, invoice.bolt11)];
    }
    case 'unavailable':
      return [
        `${id}: no invoice could be made just now, and nothing was charged. Please send in a few minutes: ${node.terms.length > 0 ? `invoice ${id}` : 'bootstrap, and your key again'}`,
      ];
    case 'called_off':
      return [
        `${id} is cancelled. Please do not pay its invoice any more; if you already did, the money is yours and I will say so.`,
      ];
    case 'paid':
      return [
        `Paid. ${stub(node)}${id} is being made, ${describe(node.offer)}. I write at each step; it takes a few minutes.`,
      ];
    case 'step':
      return [`${id}: ${STEPS[notice.step]}`];
    case 'ready':
      return readyTexts(node);
    case 'introduced':
      return [introduction(node)];
    case 'failed':
      return [
        `${id} could not be made: ${whyFailed(node.failure ?? '')} Everything that was begun is taken away again. ${owed(notice.owedSats)}`,
      ];
    case 'renewed':
      return [`Paid. ${id} is yours until ${day(lastTerm(node.terms)?.until ?? 0)}.`];
    case 'warning':
      return [
        `The time of ${id} ends in ${time(notice.seconds)}, on ${day(lastTerm(node.terms)?.until ?? 0)}. ` +
          `${node.wanted.feeSats} sats give ${time(node.wanted.termSeconds)} more; the invoice follows. Without it I destroy the machine ${time(options.graceSeconds)} later: move coins and channels away before.`,
      ];
    case 'over':
      return [
        `The time of ${id} is over. It still runs, and I destroy it in ${time(notice.seconds)}, with all that is on it. ` +
          `${node.wanted.feeSats} sats give ${time(node.wanted.termSeconds)}, counted from ${day(notice.countsFrom)}; the invoice follows. To keep what is on it, copy it away by SSH now.`,
      ];
    case 'cancel_asked':
      return [
        `${id} would be destroyed, with everything on it: close channels and move coins first. ${notice.owedSats} sats of its fee would come back. If you mean it, send once more within 10 minutes: cancel ${id}`,
      ];
    case 'ending':
      return [
        `${id} is being destroyed.${notice.owedSats > 0 ? ` Of its fee you have not used all. ${owed(notice.owedSats)}` : ''} I write when it is gone.`,
      ];
    case 'gone':
      return [
        `${id} is not there any more: the machine was removed at the cloud, and not by me.${notice.owedSats > 0 ? ` ${owed(notice.owedSats)}` : ''} bootstrap orders another.`,
      ];
    case 'destroyed':
      return [
        `${id} is gone: the cloud says so, machine and disks. ${node.endedBecause === 'over' ? 'bootstrap orders another.' : 'Thank you.'}`,
      ];
    case 'moved':
      return [`The address of ${id} is ${notice.ipv4} now. Check the fingerprint of its host key when you log in.`];
    case 'late_money':
      return [`${notice.amountSats} sats came for ${id}, which does not wait for them. ${owed(notice.amountSats)}`];
    case 'surplus':
      return [`${notice.amountSats} sats more came for ${id} than I asked for. ${owed(notice.amountSats)}`];
    default:
      return assertNever(notice);
  }
}

/** Price, term, size, disk and the monthly cost, before the invoice; and what a buyer has to know. */
function priceText(tx: Tx, node: NodeOrder, now: number): string {
  const { id, offer, wanted } = node;
  const invoice = openInvoiceOf(tx, id);
  const good = invoice === undefined ? '' : ` Invoice follows, good for ${time(secondsLeft(invoice, now))}.`;
  const isOver = node.state === 'expiring';
  const renews = node.terms.length === 0 ? '' : isOver ? ' more' : ' more, from the end of the last';
  const price = `${stub(node)}${id}. ${wanted.feeSats} sats for ${time(wanted.termSeconds)}${renews}: ${describe(offer)}.`;
  if (node.terms.length > 0) return `${price}${good}`;
  return `${price} ${KNOWN_BEFORE(offer)}${good}`;
}

const KNOWN_BEFORE = (offer: Offer): string =>
  [
    `The machine costs me ${showMicros(offer.monthlyUsdMicros)} USD a month; before its time is over I ask whether you go on.`,
    'It is rented: who owns the cloud account could look into it, so keep no savings on it.',
    ...(offer.tailscale ? ["It joins the operator's Tailscale network: its machines can reach it then."] : []),
    ...(offer.impl === 'knots' ? ['Knots 29.3 is the last one on the main chain and gets no more updates.'] : []),
  ].join(' ');

/** "a server in nyc3 (4 CPUs, 8 GB, 160 GB of disk) with Bitcoin Core, the last 93 GB of the chain, LND and LNbits". */
export function describe({ region, vcpus, memoryMb, diskGb, volumeGb, impl, pruneMib }: Offer): string {
  const chain = pruneMib === 0 ? 'the whole chain' : `a pruned chain (the last ${Math.round(pruneMib / 1024)} GB)`;
  const disk = volumeGb > 0 ? `${diskGb} + ${volumeGb}` : `${diskGb}`;
  const bitcoin = impl === 'core' ? 'Bitcoin Core' : 'Bitcoin Knots 29.3';
  return `a server in ${region} (${vcpus} CPUs, ${Math.round(memoryMb / 1024)} GB, ${disk} GB of disk) with ${bitcoin}, ${chain}, LND and LNbits`;
}

const STEPS = {
  droplet: 'the server is ordered and starts.',
  announce: 'the server runs and installs its software. It writes to you itself when it is done.',
  elsewhere: 'this region could not make it; I try another. Nothing for you to do.',
} as const;

function readyTexts(node: NodeOrder): readonly string[] {
  const { id, handles, terms } = node;
  const until = day(lastTerm(terms)?.until ?? 0);
  const name = handles.tailnetName === null ? '' : ` Tailscale: ${handles.tailnetName}.`;
  const first =
    `${stub(node)}${id} runs at ${handles.ipv4 ?? 'an address that is still to come'}, yours until ${until}.${name} Log in: ssh root@${handles.ipv4 ?? id}. ` +
    'It is not synced yet: that takes one to two weeks. timmy-status on it shows how far it is; lnd-init makes its Lightning wallet once it is synced, and its seed is shown to you alone.';
  const second =
    node.node === null
      ? `The node of ${id} has not spoken yet, so I cannot vouch for a fingerprint. Log in with your key: timmy-creds on it shows what it has for you. I introduce it when it speaks.`
      : introduction(node);
  return [first, second];
}

/** Timmy introduces the node, and never sees what it then says. */
function introduction({ id, node }: NodeOrder): string {
  if (node === null) return '';
  const keys = node.hostKeys.length === 0 ? '' : ` Its host key: ${node.hostKeys.join(', ')}.`;
  return `The node of ${id} has a key of its own and writes to you itself, with its credentials, which I never see: ${encodeNpub(node.pubkey)}.${keys} Write to it: status, peers, logs, restart, rotate. It obeys you alone.`;
}

/** What went wrong, for who paid for it. */
export function whyFailed(code: string): string {
  return FAILURES[code] ?? 'the cloud would not make it.';
}

const FAILURES: Readonly<Record<string, string>> = {
  full: 'all places were taken when your payment came.',
  droplet_limit: 'all places were taken.',
  boot_timeout: 'the server did not come up in time.',
  boot_dead: 'the server did not come up.',
  region_or_size: 'the cloud has no such server there just now.',
  cloud_away: 'the cloud does not answer.',
  lost: 'the cloud did not say whether it made the server.',
  key_invalid: 'the cloud does not take this SSH key.',
};

/** How it stands, in one line for people. */
export function nodeStatusLine(options: Pick<NodeTextOptions, 'now'>, reader: Reader, node: NodeOrder): string {
  const { id, handles } = node;
  const left = (lastTerm(node.terms)?.until ?? 0) - options.now();
  switch (node.state) {
    case 'awaiting_payment': {
      const invoice = openInvoiceOf(reader, id);
      return invoice === undefined
        ? `${id}: its invoice is being made.`
        : `${id}: a node, waits for ${invoice.amountSats} sats, ${time(secondsLeft(invoice, options.now()))} left. invoice ${id} shows it again.`;
    }
    case 'provisioning':
      return `${id}: the node is being made (${DOING[node.doing ?? 'boot']}).`;
    case 'ready':
      return `${id}: your node runs at ${handles.ipv4 ?? '?'}, for another ${time(left)}. ${node.node === null ? 'It has not spoken yet.' : `It is ${encodeNpub(node.node.pubkey)}: ask it for its status.`} invoice ${id} adds a term, cancel ${id} ends it.`;
    case 'expiring':
      return node.doing === 'clean_up'
        ? `${id}: the node is being destroyed.`
        : `${id}: the time of your node is over, and it goes soon. invoice ${id} keeps it.`;
    case 'destroyed':
      return `${id}: the node is gone. bootstrap orders another.`;
    case 'failed':
      return `${id}: no node could be made: ${whyFailed(node.failure ?? '')}`;
    case 'expired':
      return `${id}: never paid. bootstrap orders another at today's price.`;
    default:
      return assertNever(node.state);
  }
}

/** What is being done, in a word or two. */
export const DOING: Readonly<Record<NonNullable<NodeOrder['doing']>, string>> = {
  make_key: 'its key',
  ssh_key: 'its key',
  volume: 'its disk',
  droplet: 'its server is ordered',
  boot: 'its server starts',
  announce: 'its software is installed',
  tidy: 'it runs',
  clean_up: 'it is taken away',
};

/** The private half of a pair that we made: sealed as it is made, and nowhere kept. */
export function keyWords(node: NodeOrder, privateKey: string): readonly string[] {
  const fingerprint = node.sshPublicKey === null ? '' : ` (${sshFingerprint(node.sshPublicKey)})`;
  return [
    `The key to ${node.id} follows${fingerprint}. I keep no copy and cannot send it again. Save the next message as a file, chmod 600 it, and log in with ssh -i FILE root@… when I tell you where.`,
    privateKey,
  ];
}

function stub({ offer }: NodeOrder): string {
  return offer.isStub ? STUB : '';
}

/** Alone in its message, so that every client shows its pay button. */
function alone(tx: Tx, node: NodeOrder, bolt11: string): string {
  return customer(tx, node.owner).uriForm ? `lightning:${bolt11}` : bolt11;
}

function secondsLeft(invoice: InvoiceRow, now: number): number {
  return Math.max(1, (invoice.expiresAt ?? now) - now);
}

/** "2027-01-05 14:30 UTC" */
function day(at: number): string {
  return `${new Date(at * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** "30 days", "5 days 20 hours", "47 hours", "60 minutes", "40 seconds": days to the hour, for what is paid for is no more than said. */
export function time(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `${whole} seconds`;
  if (whole < 7200) return `${Math.round(whole / 60)} minutes`;
  if (whole < 172_800) return `${Math.round(whole / 3600)} hours`;
  const hours = Math.round(whole / 3600);
  const days = `${Math.floor(hours / 24)} days`;
  const rest = hours % 24;
  return rest === 0 ? days : `${days} ${rest} ${rest === 1 ? 'hour' : 'hours'}`;
}
