import type { Activity, ActivityOutcome, ActivityRun, ActivityTry } from '../../../engine/types.ts';
import { OutsideError } from '../../../lib/errors.ts';
import { plusSeconds } from '../../../lib/units.ts';
import { loadInbound, type SealSecret } from '../../../messaging/index.ts';
import type { Droplet } from '../../../ports/cloud.ts';
import { RunAgain } from '../../../tasks/index.ts';
import { onlyOurAccount } from '../account.ts';
import { cloudName, orderTag, tagsOf } from '../names.ts';
import { rentDroplet, rentVolume } from '../rentals.ts';
import { cloudFingerprint, makeSshKey } from '../ssh-key.ts';
import type { Handles, NodeOrder } from '../states.ts';
import { isKeyUsedElsewhere, isOfOurs, loadNode } from '../store.ts';
import { cleanUpActivity, tailnetKeysOf } from './clean-up.ts';
import { SETTLE_SECONDS, type SagaOptions } from './options.ts';

/** A cloud that does not answer is asked for so long; then what was begun is taken back and the fee is owed. Seconds. */
const PATIENCE_SECONDS = 1800;
const DAY = 86_400;
/** A droplet is asked for so often at most. */
const MOST_DROPLETS = 3;
const TAILNET_KEY_SECONDS = 1800;

/** Begun in an account that has none of ours, they would be found by nobody. */
const CREATES: ReadonlySet<string> = new Set(['ssh_key', 'volume', 'droplet', 'tidy']);

/** What a step remembers between its runs. */
interface Memory {
  readonly since: number;
  readonly missing?: number;
}

/** The calls of the clouds, an activity each (reference: the saga of docs/decisions on nodes). */
export function sagaActivities(options: SagaOptions): Readonly<Record<string, Activity>> {
  const { database, clock, rng, settings, clouds, journal, sealSecret, keyTexts } = options;
  const { cloud, tailnet } = clouds;

  /**
   * Killed midway: nothing was kept; another pair is made.
   */
  const makeKey = step(async (node) => {
    const { publicKey, privateKey } = makeSshKey(rng, `timmy ${node.id}`);
    const answering = loadInbound(database.read, node.orderedBy);
    const kept: Awaited<ReturnType<SealSecret>>[] = [];
    // As it will be when this is committed, and with the key beside it.
    const made: NodeOrder = { ...node, sshPublicKey: publicKey, doing: 'ssh_key' };
    for (const [index, text] of keyTexts(made, privateKey.expose()).entries())
      kept.push(await sealSecret({ to: node.owner, text, answering, reference: index === 0, orderId: node.id }));
    return {
      done: { publicKey },
      also: (tx) => {
        for (const keep of kept) keep(tx);
      },
    };
  });

  /**
   * Killed midway: the key may be there; it is found by its fingerprint. The same key twice the cloud refuses.
   */
  const sshKey = step(async (node, signal) => {
    const publicKey = node.sshPublicKey ?? '';
    const name = cloudName(node.id, node.attempt);
    const find = () => cloud.findSshKey(cloudFingerprint(publicKey), signal);
    const key = await journal.once({
      orderId: node.id,
      attempt: node.attempt,
      call: 'ssh_key',
      name,
      lookFirst: false,
      settleSeconds: 0,
      most: 10,
      make: async () => {
        try {
          return await cloud.createSshKey({ name, publicKey }, signal);
        } catch (error) {
          const there = isNo(error, 'key_in_use') ? await find() : null;
          if (there === null) throw error;
          return there;
        }
      },
      find,
      idOf: ({ id }) => id,
    });
    // What an order of ours once put there is ours to take away; somebody else's key is not.
    return { done: { sshKeyId: key.id, sshKeyIsOurs: isOfOurs(database.read, key.name) } satisfies Partial<Handles> };
  });

  /**
   * Killed midway: the volume may be there; it is found by its name, which a region has once.
   */
  const volume = step(async (node, signal) => {
    const { id, attempt, region, offer } = node;
    const name = cloudName(id, attempt);
    const wish = { name, region, sizeGb: offer.volumeGb, tags: tagsOf(id) };
    const made = await journal.once({
      orderId: id,
      attempt,
      call: 'volume',
      name,
      lookFirst: true,
      settleSeconds: 0,
      most: 10,
      make: () => cloud.createVolume(wish, signal),
      find: () => cloud.findVolume(name, region, signal),
      idOf: (found) => found.id,
    });
    return {
      done: { volumeId: made.id } satisfies Partial<Handles>,
      also: (tx) => rentVolume(tx, node, { ...made, name, region, sizeGb: offer.volumeGb }, clock.now()),
    };
  });

  /**
   * Makes the host. The key of the tailnet is made in the same run, because it is shown once and kept nowhere.
   *
   * Killed midway: the droplet may be there, and bill. It is looked for, by name and by tag, for longer than a cloud needs
   * to show it; only then it is asked for again.
   */
  const droplet = step(async (node, signal) => {
    const { id, attempt, region, offer, handles } = node;
    const name = cloudName(id, attempt);
    const volumeIds = handles.volumeId === null ? [] : [handles.volumeId];
    const made = await journal.once<Droplet>({
      orderId: id,
      attempt,
      call: 'droplet',
      name,
      lookFirst: true,
      settleSeconds: SETTLE_SECONDS,
      most: MOST_DROPLETS,
      make: async () => {
        const key = offer.tailscale && tailnet !== null ? await tailnetKey(node, name, signal) : null;
        const userData = clouds.userData({
          orderId: id,
          attempt,
          owner: node.owner,
          voice: node.dialect,
          hostname: name,
          region,
          size: offer.size,
          impl: offer.impl,
          pruneMib: offer.pruneMib,
          volumeName: handles.volumeId === null ? null : name,
          tailscaleKey: key,
          termEndsAt: plusSeconds(clock.now(), node.wanted.termSeconds),
        });
        const sshKeyIds = handles.sshKeyId === null ? [] : [handles.sshKeyId];
        const wish = {
          name,
          region,
          size: offer.size,
          image: settings.DO_IMAGE,
          sshKeyIds,
          volumeIds,
          tags: tagsOf(id),
        };
        return cloud.createDroplet({ ...wish, userData }, signal);
      },
      find: async () =>
        oldest((await cloud.findDroplets(name, orderTag(id), signal)).filter((one) => one.name === name)),
      idOf: (found) => found.id,
    });
    return {
      done: { dropletId: made.id } satisfies Partial<Handles>,
      also: (tx) => rentDroplet(tx, node, { ...made, region, size: offer.size }, name, clock.now()),
    };
  });

  async function tailnetKey(node: NodeOrder, name: string, signal: AbortSignal) {
    if (tailnet === null) throw new OutsideError('rejected', 'invalid');
    const { key } = await journal.once({
      orderId: node.id,
      attempt: node.attempt,
      call: 'tailnet_key',
      name,
      lookFirst: false,
      // One that was lost dies by itself, and is ended with the others.
      settleSeconds: 0,
      most: 10,
      make: () => tailnet.createKey({ description: name, expirySeconds: TAILNET_KEY_SECONDS }, signal),
      find: () => Promise.resolve(null),
      idOf: ({ id }) => id,
    });
    return key;
  }

  /**
   * Killed midway: nothing happened; it is asked again.
   */
  const boot = step(async (node, signal, memory) => {
    const { dropletId } = node.handles;
    const now = clock.now();
    const patience = settings.BOOTSTRAP_BOOT_TIMEOUT_S;
    const host = dropletId === null ? null : await cloud.droplet(dropletId, signal);
    if (host?.state === 'active' && host.ipv4 !== null) {
      // A machine that does not exist is in no tailnet: its name is made up, like its address.
      const madeUp = node.offer.isStub ? { tailnetName: `${cloudName(node.id, node.attempt)}.stub.ts.net` } : {};
      return { done: { ipv4: host.ipv4, ...madeUp } satisfies Partial<Handles> };
    }
    if (host?.state === 'dead') return { failed: 'boot_dead' };
    const missing = host === null ? (memory.missing ?? 0) + 1 : 0;
    if (missing >= 3) return { failed: 'boot_dead' };
    if (now - memory.since >= patience) return { failed: 'boot_timeout' };
    // A stub is there at once.
    const wait = node.offer.isStub ? 1 : Math.max(1, Math.min(10, Math.ceil(patience / 60)));
    throw new RunAgain(wait, { ...memory, missing } satisfies Memory);
  });

  /**
   * The key is on the host's disk by now, and the host in the tailnet: what brought them there goes.
   *
   * Killed midway: it is done again; what is gone stays gone.
   */
  const tidy = step(async (node, signal) => {
    const { id, attempt, handles } = node;
    const { sshKeyId } = handles;
    if (sshKeyId !== null && handles.sshKeyIsOurs && !isKeyUsedElsewhere(database.read, node))
      await journal.note({ orderId: id, attempt, call: 'delete_ssh_key', name: sshKeyId }, () =>
        cloud.deleteSshKey(sshKeyId, signal),
      );
    const [device] = tailnet === null ? [] : await tailnet.findDevices(cloudName(id, attempt), signal);
    if (tailnet !== null && device !== undefined)
      for (const key of tailnetKeysOf(database.read, id, attempt))
        await journal.note({ orderId: id, attempt, call: 'delete_tailnet_key', name: key }, () =>
          tailnet.deleteKey(key, signal),
        );
    return { done: device === undefined ? {} : ({ tailnetName: device.name } satisfies Partial<Handles>) };
  });

  /** A step of an order that is still at it. What a cloud does not answer is asked again, for a while. */
  function step(
    act: (node: NodeOrder, signal: AbortSignal, memory: Memory) => Promise<ActivityOutcome>,
  ): (name: string) => ActivityRun {
    return (name) =>
      async (orderId, _input, run, signal): Promise<ActivityOutcome> => {
        const node = loadNode(database.read, orderId);
        if (node?.doing !== name) return { failed: 'gone' };
        const memory = memoryOf(run, clock.now());
        try {
          if (CREATES.has(name)) await onlyOurAccount(cloud, database.read, signal);
          return await act(node, signal, memory);
        } catch (error) {
          if (!(error instanceof OutsideError)) throw error;
          if (error.fault === 'rejected') return { failed: error.message };
          const patience = name === 'tidy' ? DAY : PATIENCE_SECONDS;
          if (clock.now() - memory.since >= patience) return { failed: 'cloud_away' };
          throw new RunAgain(Math.max(error.retryAfterSeconds ?? 0, Math.min(60, 2 ** Math.min(run.tries, 6))), memory);
        }
      };
  }

  const room = { pool: 'clouds', leaseSeconds: 120, maxAttempts: 20, lane: null } as const;
  return {
    make_key: { ...room, run: makeKey('make_key') },
    ssh_key: { ...room, run: sshKey('ssh_key') },
    volume: { ...room, run: volume('volume') },
    droplet: { ...room, run: droplet('droplet') },
    boot: { ...room, run: boot('boot') },
    tidy: { ...room, run: tidy('tidy') },
    clean_up: { ...room, maxAttempts: Infinity, run: cleanUpActivity(options) },
  };
}

function memoryOf({ memory }: ActivityTry, now: number): Memory {
  return (memory as Memory | undefined) ?? { since: now };
}

function isNo(error: unknown, code: string): boolean {
  return error instanceof OutsideError && error.fault === 'rejected' && error.message === code;
}

/** Where one was made twice, the first is ours; the sweeper ends the others. */
export function oldest(droplets: readonly Droplet[]): Droplet | null {
  const [first] = [...droplets].sort((a, b) => a.createdAt - b.createdAt || Number(a.id) - Number(b.id));
  return first ?? null;
}
