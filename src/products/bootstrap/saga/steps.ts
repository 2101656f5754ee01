import { plusSeconds } from '../../../lib/units.ts';
import { change, oweBack, run, same, say, type NodeDecision, type NodeEffect } from '../effects.ts';
import { startLease } from '../lease/lease.ts';
import { NO_HANDLES, type Doing, type Handles, type NodeFacts, type NodeOrder } from '../states.ts';

/** What a step of the saga hands back; each is kept by its order in the commit that ends the step. */
export type StepOutput = { readonly publicKey: string } | Partial<Handles> | { readonly ipv4: string } | null;

/** The fee is paid: the first thing that has to be made is made. Cannot any be made, the fee is owed back at once. */
export function begin(node: NodeOrder, facts: NodeFacts): NodeDecision {
  const order: NodeOrder = { ...node, state: 'provisioning' };
  if (facts.noRoom !== null) return failed(order, facts.noRoom, facts);
  return go(order, node.sshPublicKey === null ? 'make_key' : 'ssh_key', facts, [
    { type: 'replace_invoices' },
    say({ type: 'paid' }),
  ]);
}

/** One step is done: its handles are kept, and the next begins. */
export function finishedStep(node: NodeOrder, activity: string, output: unknown, facts: NodeFacts): NodeDecision {
  if (node.doing !== activity) return same(node);
  const { state } = node;
  switch (node.doing) {
    case 'make_key':
      return go({ ...node, sshPublicKey: (output as { publicKey: string }).publicKey }, 'ssh_key', facts);
    case 'ssh_key':
      return go(keep(node, output), node.offer.volumeGb > 0 ? 'volume' : 'droplet', facts);
    case 'volume':
      return go(keep(node, output), 'droplet', facts);
    case 'droplet':
      return go(keep(node, output), 'boot', facts, [say({ type: 'step', step: 'droplet' })]);
    case 'boot':
      return booted(keep(node, output), facts);
    case 'announce':
      return isUp(node, facts);
    case 'tidy':
      return change({ ...keep(node, output), doing: null }, facts, []);
    case 'clean_up':
      if (state === 'provisioning') return elsewhere(node, facts);
      return cleaned(node, facts);
  }
}

/** One step cannot be done: what was made goes again, and the fee is the customer's, at once. */
export function failedStep(node: NodeOrder, activity: string, code: string, facts: NodeFacts): NodeDecision {
  if (node.doing !== activity) return same(node);
  // To tidy up is ours alone: the sweeper finds what is left.
  if (node.state !== 'provisioning') return change({ ...node, doing: null }, facts, []);
  const { fallbackRegion } = facts;
  const isOfPlace = code === 'region_or_size' || code === 'boot_timeout' || code === 'boot_dead';
  if (node.attempt === 1 && isOfPlace && fallbackRegion !== null && fallbackRegion !== node.region)
    return go({ ...node, firstFailure: code }, 'clean_up', facts, [say({ type: 'step', step: 'elsewhere' })]);
  return failed(node, code, facts);
}

/** The host runs. The node may have spoken before the cloud's list showed it. */
function booted(node: NodeOrder, facts: NodeFacts): NodeDecision {
  if (node.node !== null) return isUp(node, facts);
  const deadline = plusSeconds(facts.now, facts.announceSeconds);
  return change({ ...node, doing: 'announce' }, facts, [
    { type: 'timer', name: 'announce', at: deadline },
    say({ type: 'step', step: 'announce' }),
  ]);
}

/** The node proved itself, or its time to do so is over: the term begins. */
export function isUp(node: NodeOrder, facts: NodeFacts): NodeDecision {
  const started = startLease({ ...node, state: 'ready', doing: 'tidy' }, facts);
  const silent: NodeEffect[] =
    node.node === null
      ? [
          {
            type: 'alert',
            what: `${node.id} runs, and its node has not spoken. Its owner can log in by SSH. See: timmy nodes show ${node.id}`,
          },
        ]
      : [];
  return change(started.order, facts, [
    { type: 'cancel_timer', name: 'announce' },
    ...started.effects,
    say({ type: 'ready' }),
    run('tidy'),
    ...silent,
  ]);
}

/** The first try is gone at the cloud: once more, in another region. */
function elsewhere(node: NodeOrder, facts: NodeFacts): NodeDecision {
  const region = facts.fallbackRegion ?? node.region;
  return go({ ...node, attempt: node.attempt + 1, region, handles: NO_HANDLES, node: null }, 'ssh_key', facts);
}

function failed(node: NodeOrder, code: string, facts: NodeFacts): NodeDecision {
  const fee = node.wanted.feeSats;
  return go({ ...node, state: 'failed', failure: code }, 'clean_up', facts, [
    { type: 'replace_invoices' },
    { type: 'cancel_timer', name: 'announce' },
    { type: 'receipt' },
    oweBack(node, fee, 'failed', 'failed'),
    say({ type: 'failed', owedSats: fee }),
    ...ofOurs(node, code),
  ]);
}

/** What a person has to mend before the next one can be sold. */
function ofOurs({ id }: NodeOrder, code: string): NodeEffect[] {
  const mend = OPERATORS_CODES[code];
  return mend === undefined ? [] : [{ type: 'alert', what: `${id} could not be made: ${mend} Its fee is owed back.` }];
}

const OPERATORS_CODES: Readonly<Record<string, string>> = {
  unauthorized: 'the cloud does not know DO_API_TOKEN. Make a new one.',
  forbidden: 'DO_API_TOKEN lacks a scope (docs/operating.md lists them).',
  account_locked: 'the cloud has locked the account. Look at its console.',
  payment_required: 'the cloud account cannot pay. Look at its billing.',
  droplet_limit: 'the account has as many droplets as it may. Ask the cloud for more, or lower BOOTSTRAP_MAX_ACTIVE.',
  image: 'the cloud does not have DO_IMAGE.',
  invalid: 'the cloud refused what we asked for. See the log.',
  broken: 'a step failed again and again. See the log.',
};

function cleaned(node: NodeOrder, facts: NodeFacts): NodeDecision {
  const order: NodeOrder = { ...node, doing: null };
  if (node.state !== 'expiring') return change(order, facts, []);
  return change({ ...order, state: 'destroyed' }, facts, [say({ type: 'destroyed' })]);
}

function keep(node: NodeOrder, output: unknown): NodeOrder {
  return { ...node, handles: { ...node.handles, ...(output as Partial<Handles> | null) } };
}

function go(
  node: NodeOrder,
  doing: Exclude<Doing, 'announce'>,
  facts: NodeFacts,
  effects: readonly NodeEffect[] = [],
): NodeDecision {
  return change({ ...node, doing }, facts, [...effects, run(doing)]);
}
