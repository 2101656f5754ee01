import { statement, type Reader } from '../../../db/index.ts';
import type { ActivityRun } from '../../../engine/types.ts';
import { OutsideError } from '../../../lib/errors.ts';
import { RunAgain } from '../../../tasks/index.ts';
import { onlyOurAccount } from '../account.ts';
import { cloudName, orderTag } from '../names.ts';
import { endRental, rentalsOf, rentSpare, rentVolume } from '../rentals.ts';
import { cloudFingerprint } from '../ssh-key.ts';
import type { NodeOrder } from '../states.ts';
import { isKeyUsedElsewhere, isOfOurs, loadNode } from '../store.ts';
import { mayExist } from './journal.ts';
import { SETTLE_SECONDS, type SagaOptions } from './options.ts';

interface Memory {
  readonly since: number;
  readonly told: boolean;
}

/** Then a person looks, and it goes on being tried. Seconds. */
const STUCK_SECONDS = 3600;

/**
 * Takes back everything that was, or may have been, made for an order, whatever attempt of it: devices and keys of the
 * tailnet, droplets, volumes, the SSH key, in this order. Done only when the clouds say that it is gone; it never gives up.
 *
 * Killed midway: it begins anew; what is gone stays gone.
 */
export function cleanUpActivity(options: SagaOptions): ActivityRun {
  const { database, clock, clouds, journal } = options;
  const { cloud, tailnet } = clouds;

  async function leaveTailnet(node: NodeOrder, attempt: number, signal: AbortSignal): Promise<void> {
    if (tailnet === null || !mayExist(database.read, node.id, 'tailnet_key')) return;
    const of = { orderId: node.id, attempt };
    for (const { id } of await tailnet.findDevices(cloudName(node.id, attempt), signal))
      await journal.note({ ...of, call: 'delete_device', name: id }, () => tailnet.deleteDevice(id, signal));
    for (const id of tailnetKeysOf(database.read, node.id, attempt))
      await journal.note({ ...of, call: 'delete_tailnet_key', name: id }, () => tailnet.deleteKey(id, signal));
  }

  /** @returns whether all of them are gone. */
  async function endDroplets(node: NodeOrder, signal: AbortSignal): Promise<boolean> {
    if (!mayExist(database.read, node.id, 'droplet')) return true;
    const { dropletId } = node.handles;
    const known = new Set<string>(dropletId === null ? [] : [dropletId]);
    for (const { kind, resource, goneAt } of rentalsOf(database.read, node.id))
      if (kind === 'droplet' && goneAt === null) known.add(resource.slice('droplet:'.length));
    for (let attempt = 1; attempt <= node.attempt; attempt++) {
      const found = await cloud.findDroplets(cloudName(node.id, attempt), orderTag(node.id), signal);
      // By its tag one of the next attempt is found too, by a task that comes late: it is not ours to end.
      for (const droplet of found.filter(({ name }) => name === cloudName(node.id, attempt))) {
        known.add(droplet.id);
        database.write((tx) => rentSpare(tx, node, droplet, clock.now()));
      }
    }
    let gone = true;
    for (const id of known) {
      if ((await cloud.droplet(id, signal)) === null) {
        database.write((tx) => endRental(tx, `droplet:${id}`, clock.now()));
        continue;
      }
      gone = false;
      await journal.note({ orderId: node.id, attempt: node.attempt, call: 'delete_droplet', name: id }, () =>
        cloud.deleteDroplet(id, signal),
      );
    }
    // One that was asked for a moment ago may not be shown yet.
    return gone && clock.now() - lastAskedFor(database.read, node.id) >= SETTLE_SECONDS;
  }

  async function endVolumes(node: NodeOrder, signal: AbortSignal): Promise<boolean> {
    if (!mayExist(database.read, node.id, 'volume')) return true;
    let gone = true;
    for (let attempt = 1; attempt <= node.attempt; attempt++) {
      const region = attempt === 1 ? node.offer.region : node.region;
      const volume = await cloud.findVolume(cloudName(node.id, attempt), region, signal);
      if (volume === null) continue;
      gone = false;
      database.write((tx) => rentVolume(tx, node, volume, clock.now()));
      await journal.note({ orderId: node.id, attempt, call: 'delete_volume', name: volume.id }, () =>
        cloud.deleteVolume(volume.id, signal),
      );
    }
    if (gone) database.write((tx) => endRentalsOfVolumes(tx, node.id, clock.now()));
    return gone;
  }

  async function dropKey(node: NodeOrder, signal: AbortSignal): Promise<void> {
    if (node.sshPublicKey === null || !mayExist(database.read, node.id, 'ssh_key')) return;
    const key = await cloud.findSshKey(cloudFingerprint(node.sshPublicKey), signal);
    // Somebody else's, who had the same one there before, stays; of orders of ours the last that needs it takes it away.
    if (key === null || !isOfOurs(database.read, key.name) || isKeyUsedElsewhere(database.read, node)) return;
    await journal.note({ orderId: node.id, attempt: node.attempt, call: 'delete_ssh_key', name: key.id }, () =>
      cloud.deleteSshKey(key.id, signal),
    );
  }

  return async (orderId, _input, run, signal) => {
    const node = loadNode(database.read, orderId);
    if (node?.doing !== 'clean_up') return { failed: 'gone' };
    const memory = (run.memory as Memory | undefined) ?? { since: clock.now(), told: false };
    const isStuck = clock.now() - memory.since >= STUCK_SECONDS;
    if (isStuck && !memory.told)
      run.speak(
        `what was made for it is not gone at the cloud after an hour; it is tried on. See: timmy nodes show ${orderId}`,
      );
    const again = (fault: OutsideError | null): RunAgain => {
      const seconds = Math.min(3600, 2 ** Math.min(Math.max(1, run.tries), 12));
      const wait = isStuck ? seconds : Math.min(30, seconds);
      return new RunAgain(Math.max(fault?.retryAfterSeconds ?? 0, wait), { ...memory, told: memory.told || isStuck });
    };
    try {
      await onlyOurAccount(cloud, database.read, signal);
      for (let attempt = 1; attempt <= node.attempt; attempt++) await leaveTailnet(node, attempt, signal);
      const dropletsGone = await endDroplets(node, signal);
      // A volume goes when nothing holds it any more.
      const volumesGone = dropletsGone && (await endVolumes(node, signal));
      if (!dropletsGone || !volumesGone) throw again(null);
      await dropKey(node, signal);
    } catch (error) {
      // A final no is none here: what bills is never left because of a key that was changed.
      if (error instanceof OutsideError) throw again(error);
      throw error;
    }
    return { done: null };
  };
}

export function tailnetKeysOf(reader: Reader, orderId: string, attempt: number): string[] {
  const sql = `SELECT resource FROM cloud_calls WHERE order_id = ? AND attempt = ? AND call = 'tailnet_key' AND outcome = 'done'`;
  return statement(reader, sql).pluck().all(orderId, attempt) as string[];
}

function lastAskedFor(reader: Reader, orderId: string): number {
  const sql = `SELECT coalesce(max(intent_at), 0) FROM cloud_calls WHERE order_id = ? AND call = 'droplet' AND outcome IS NULL`;
  return statement(reader, sql).pluck().get(orderId) as number;
}

function endRentalsOfVolumes(
  tx: Parameters<typeof endRental>[0],
  orderId: string,
  now: Parameters<typeof endRental>[2],
): void {
  const sql = `SELECT resource FROM cloud_rentals WHERE order_id = ? AND kind = 'volume' AND gone_at IS NULL`;
  for (const resource of statement(tx, sql).pluck().all(orderId) as string[]) endRental(tx, resource, now);
}
