import { statement, type Database, type Reader, type Tx } from '../../db/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { OutsideError } from '../../lib/errors.ts';
import { plusSeconds, unixSeconds } from '../../lib/units.ts';
import { tellOrder } from '../../payments/index.ts';
import type { CloudVolume, Droplet } from '../../ports/cloud.ts';
import { schedule, type Commit, type TaskKind } from '../../tasks/index.ts';
import type { CloudShop } from '../_shared/cloud-shop.ts';
import { onlyOurAccount } from './account.ts';
import { NAME_PREFIX, NODE_TAG, orderOfName } from './names.ts';
import { endRental, rentSpare, rentVolume } from './rentals.ts';
import type { Journal } from './saga/journal.ts';
import type { NodeOrder, SweepNews } from './states.ts';
import { loadNode, nodesAtClouds } from './store.ts';

export interface SweepOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly clouds: CloudShop;
  readonly journal: Journal;
  readonly alert: (tx: Tx, what: string) => void;
}

export const SWEEP_KEY = 'bootstrap.sweep';
const SWEEP_SECONDS = 600;
/** What was just begun is not judged: the cloud may not show it yet, or the saga is at it. Seconds. */
const YOUNG_SECONDS = 180;

/** What one look at the cloud calls for. */
export interface Findings {
  /** Ours by name and tag, and no order wants it any more: it is ended. */
  readonly spare: readonly { readonly droplet: Droplet; readonly orderId: string; readonly attempt: number }[];
  /** Called after an order that this database does not know, or for which it never asked for one: never touched. */
  readonly strays: readonly { readonly resource: string; readonly kind: 'droplet' | 'volume'; readonly name: string }[];
  /** Orders whose running droplet is not there. */
  readonly missing: readonly NodeOrder[];
  readonly moved: readonly { readonly node: NodeOrder; readonly ipv4: string }[];
}

/**
 * Compares what the cloud has with what the orders want. Pure. `mayBeNew`: the saga may have just asked for this one.
 * `askedBy`: this database asked for one of this attempt by then; otherwise it was a later life of it, of which this one
 * is a copy, or another Timmy.
 */
export function compare(
  droplets: readonly Droplet[],
  nodes: readonly NodeOrder[],
  knows: (orderId: string) => NodeOrder | undefined,
  mayBeNew: (node: NodeOrder) => boolean,
  askedBy: (orderId: string, attempt: number, at: number) => boolean,
): Findings {
  const spare: Findings['spare'][number][] = [];
  const strays: Findings['strays'][number][] = [];
  const moved: Findings['moved'][number][] = [];
  for (const droplet of droplets) {
    const named = orderOfName(droplet.name);
    const node = named === null ? undefined : knows(named.orderId);
    if (named === null || node === undefined) {
      strays.push({ resource: droplet.id, kind: 'droplet', name: droplet.name });
      continue;
    }
    const isHis = node.handles.dropletId === droplet.id && node.state !== 'destroyed' && node.state !== 'failed';
    if (isHis) {
      if (droplet.ipv4 !== null && node.handles.ipv4 !== null && droplet.ipv4 !== node.handles.ipv4)
        moved.push({ node, ipv4: droplet.ipv4 });
    } else if (!askedBy(named.orderId, named.attempt, droplet.createdAt)) {
      strays.push({ resource: droplet.id, kind: 'droplet', name: droplet.name });
    } else if (node.doing !== 'clean_up' && !mayBeNew(node)) spare.push({ droplet, ...named });
  }
  const there = new Set(droplets.map(({ id }) => id));
  const missing = nodes.filter(
    ({ state, doing, handles }) =>
      (state === 'ready' || state === 'expiring') &&
      doing !== 'clean_up' &&
      handles.dropletId !== null &&
      !there.has(handles.dropletId),
  );
  return { spare, strays, missing, moved };
}

/**
 * Every ten minutes: what bills and belongs to nobody any more is ended, what is gone is noticed. What is called after
 * an order that this database does not know (it was restored, or there is another Timmy) is told, and never touched.
 *
 * Killed midway: what was ended is ended; the rest is found again.
 */
export function sweepTask(options: SweepOptions): TaskKind<Record<string, never>> {
  const { database, clock, clouds, journal, alert } = options;
  const { cloud } = clouds;
  const again = (tx: Tx, seconds: number): void => {
    const now = clock.now();
    schedule(tx, { kind: 'bootstrap.sweep', payload: {}, key: SWEEP_KEY, dueAt: unixSeconds(now + seconds), now });
  };

  async function sweep(signal: AbortSignal): Promise<Commit> {
    await onlyOurAccount(cloud, database.read, signal);
    const nodes = nodesAtClouds(database.read);
    const droplets = await cloud.listDroplets(NODE_TAG, signal);
    const volumes = await cloud.listVolumes(NAME_PREFIX, signal);
    const found = compare(
      droplets,
      nodes,
      (id) => loadNode(database.read, id),
      (node) => isYoung(database.read, node, 'droplet', clock.now()),
      (orderId, attempt, at) => wasAskedFor(database.read, orderId, attempt, 'droplet', at),
    );
    const unwanted = volumes.filter((one) => isUnwanted(database.read, one, clock.now()));
    // The list may lag or be cut: nobody's node is called gone before it was asked for by itself.
    const gone: NodeOrder[] = [];
    for (const node of found.missing)
      if ((await cloud.droplet(node.handles.dropletId ?? '', signal)) === null) gone.push(node);
    for (const { droplet, orderId, attempt } of found.spare) {
      const node = loadNode(database.read, orderId);
      if (node !== undefined) database.write((tx) => rentSpare(tx, node, droplet, clock.now()));
      await journal.note({ orderId, attempt, call: 'delete_droplet', name: droplet.id }, () =>
        cloud.deleteDroplet(droplet.id, signal),
      );
      if ((await cloud.droplet(droplet.id, signal)) === null)
        database.write((tx) => endRental(tx, `droplet:${droplet.id}`, clock.now()));
    }
    for (const volume of unwanted) {
      const { id, name } = volume;
      const { orderId, attempt } = orderOfName(name) ?? { orderId: '', attempt: 0 };
      const node = loadNode(database.read, orderId);
      if (node !== undefined) database.write((tx) => rentVolume(tx, node, volume, clock.now()));
      await journal.note({ orderId, attempt, call: 'delete_volume', name: id }, () => cloud.deleteVolume(id, signal));
      database.write((tx) => endRental(tx, `volume:${id}`, clock.now()));
    }
    const strays = [
      ...found.strays,
      ...volumes
        .filter(({ name }) => isStray(database.read, name))
        .map(({ id, name }) => ({ resource: id, kind: 'volume' as const, name })),
    ];
    const live = new Set(droplets.map(({ id }) => `droplet:${id}`));
    return (tx) => {
      const now = clock.now();
      const tell = (node: NodeOrder, news: SweepNews): void => {
        const order = { kind: 'bootstrap', id: node.id };
        tellOrder(tx, order, { type: 'news', from: order, news }, now);
      };
      for (const node of gone) tell(node, { type: 'gone' });
      for (const { node, ipv4 } of found.moved) tell(node, { type: 'moved', ipv4 });
      endForgotten(tx, live, now);
      const fresh = keepStrays(tx, strays, now);
      if (fresh > 0)
        alert(
          tx,
          `The cloud holds ${fresh} ${fresh === 1 ? 'thing' : 'things'} of a Timmy that this database does not know. They bill and are left alone. See: timmy nodes sweep`,
        );
      again(tx, SWEEP_SECONDS);
    };
  }

  return {
    kind: 'bootstrap.sweep',
    pool: 'housekeeping',
    leaseSeconds: 300,
    maxAttempts: Infinity,
    run: async (_task, signal) => {
      try {
        return await sweep(signal);
      } catch (error) {
        if (!(error instanceof OutsideError)) throw error;
        return (tx) => again(tx, SWEEP_SECONDS);
      }
    },
  };
}

/** Was something made for it a moment ago, or is it not known yet what came of that? */
function isYoung(reader: Reader, { id }: NodeOrder, call: 'droplet' | 'volume', now: number): boolean {
  const sql = `SELECT 1 FROM cloud_calls WHERE order_id = ? AND call = ? AND (outcome IS NULL OR ended_at > ?) LIMIT 1`;
  return statement(reader, sql).get(id, call, now - YOUNG_SECONDS) !== undefined;
}

/** The cloud's clock and ours may differ by so much. Seconds. */
const CLOCKS_DIFFER = 300;

/** Did this database ask for one of this attempt, by `at`? */
function wasAskedFor(
  reader: Reader,
  orderId: string,
  attempt: number,
  call: 'droplet' | 'volume',
  at: number,
): boolean {
  const sql = `SELECT 1 FROM cloud_calls WHERE order_id = ? AND attempt = ? AND call = ? AND intent_at <= ? LIMIT 1`;
  return statement(reader, sql).get(orderId, attempt, call, at + CLOCKS_DIFFER) !== undefined;
}

/** A volume that we asked for, and whose order has no use for it any more: its making was answered, or came, late. */
function isUnwanted(reader: Reader, { id, name, dropletIds }: CloudVolume, now: number): boolean {
  const named = orderOfName(name);
  const node = named === null ? undefined : loadNode(reader, named.orderId);
  if (named === null || node === undefined || node.doing === 'clean_up' || dropletIds.length > 0) return false;
  const isHis = node.handles.volumeId === id && node.state !== 'destroyed' && node.state !== 'failed';
  return !isHis && wasAskedFor(reader, node.id, named.attempt, 'volume', now) && !isYoung(reader, node, 'volume', now);
}

function isStray(reader: Reader, name: string): boolean {
  const named = orderOfName(name);
  if (named === null || loadNode(reader, named.orderId) === undefined) return true;
  return !wasAskedFor(reader, named.orderId, named.attempt, 'volume', Number.MAX_SAFE_INTEGER - CLOCKS_DIFFER);
}

/** Spare ones that are not listed any more have stopped billing; those of orders are ended by their orders. */
function endForgotten(tx: Tx, live: ReadonlySet<string>, now: Parameters<typeof endRental>[2]): void {
  const sql = `SELECT resource FROM cloud_rentals WHERE gone_at IS NULL AND kind = 'droplet' AND name GLOB '* (spare)' AND from_at < ?`;
  const before = plusSeconds(now, -YOUNG_SECONDS);
  for (const resource of statement(tx, sql).pluck().all(before) as string[])
    if (!live.has(resource)) endRental(tx, resource, now);
}

/** @returns how many were not known before. */
function keepStrays(tx: Tx, strays: Findings['strays'], now: number): number {
  let fresh = 0;
  for (const { resource, kind, name } of strays.slice(0, 200)) {
    const known = statement(tx, 'UPDATE cloud_strays SET last_at = ? WHERE resource = ?').run(
      now,
      `${kind}:${resource}`,
    );
    if (known.changes === 1) continue;
    fresh++;
    statement(tx, 'INSERT INTO cloud_strays (resource, kind, name, first_at, last_at) VALUES (?, ?, ?, ?, ?)').run(
      `${kind}:${resource}`,
      kind,
      name.slice(0, 100),
      now,
      now,
    );
  }
  statement(tx, 'DELETE FROM cloud_strays WHERE last_at < ?').run(now);
  return fresh;
}

/** What the cloud holds and nobody here knows, as the last sweep saw it. */
export function strays(reader: Reader): { resource: string; kind: string; name: string; firstAt: number }[] {
  return statement(
    reader,
    'SELECT resource, kind, name, first_at AS firstAt FROM cloud_strays ORDER BY first_at, resource LIMIT 200',
  ).all() as { resource: string; kind: string; name: string; firstAt: number }[];
}
