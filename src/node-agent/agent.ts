import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { sleep } from '../lib/clock.ts';
import type { OpenedDm } from '../nostr/opened-dm.ts';
import { profileEvent } from '../nostr/profile.ts';
import { dmRelayList } from '../nostr/relay-list.ts';
import { Announcement } from './announce.ts';
import type { Context } from './context.ts';
import { shredDelivered } from './credentials.ts';
import { Delivery } from './delivery.ts';
import { hostKeys } from './host.ts';
import { Inbox } from './inbox.ts';
import { lettersToOwner, openLetters } from './letters.ts';
import { followLists } from './lists.ts';
import { Looks } from './looks.ts';
import { Answers } from './owner/answers.ts';
import { Obedience } from './owner/obey.ts';
import { introductionText } from './owner/text.ts';
import type { Services } from './services/services.ts';
import { hearTimmy, Reports } from './timmy.ts';
import { ownRelays } from './ways.ts';

/** Before this date (2026-01-01) no clock of a node is right. Unix seconds. */
const EARLIEST = 1_767_225_600;

/** The node's own voice, until `context.stop` fires. */
export async function runAgent(context: Context, services: Services): Promise<void> {
  const { log, stop, node, signer, relays } = context;
  await clockToBeSet(context);
  if (stop.aborted) return;
  await introduce(context);

  const delivery = new Delivery(context, () => shredDelivered(context));
  const reports = new Reports(context);
  const looks = new Looks(context, services, reports, () => delivery.wake());
  const answers = new Answers(context, services, looks);
  const obedience = new Obedience(context, answers, () => delivery.wake());
  const announcement = new Announcement(context, () => looks.wake());
  const inbox = new Inbox(context, async (dm: OpenedDm) => {
    const isTimmys =
      dm.sender === node.timmy && (await context.turns(async () => hearTimmy(context, announcement, dm)));
    if (!isTimmys && dm.sender === node.owner) await obedience.hear(dm);
  });

  stop.addEventListener('abort', () => relays.close(), { once: true });
  await obedience.settle();
  shredDelivered(context);
  inbox.start();
  log.info('agent.ready', { order: node.order, pubkey: signer.publicKey, relays: ownRelays(node) });
  await Promise.all([
    delivery.run(),
    obedience.mend(),
    announcement.run(),
    looks.run(),
    followLists(context, () => delivery.wake()),
  ]);
}

/** Dates are part of what is signed: until somebody has set the clock, nothing is, within patience. */
async function clockToBeSet({ paths, clock, pace, stop, log }: Context): Promise<void> {
  const isSet = (): boolean =>
    clock.now() > EARLIEST && (existsSync(paths.clockSet) || !existsSync(dirname(paths.clockSet)));
  const since = clock.monotonicMs();
  while (!isSet() && !stop.aborted) {
    const isPatient = clock.monotonicMs() - since < pace.patienceMs;
    if (!isPatient && clock.now() > EARLIEST) return log.warn('clock.not_set');
    await sleep(clock, Math.min(1_000, pace.patienceMs / 10), stop);
  }
}

/** The first words, once in a node's life: to the owner who it is, to everybody where it reads. */
async function introduce(context: Context): Promise<void> {
  const { node, state, paths, signer, clock, turns, reach } = context;
  if (state.now.isIntroduced) return;
  const about = `The Bitcoin node of order ${node.order}. It answers its owner alone.`;
  await turns(async () => {
    const now = clock.now();
    const open = await openLetters(context, [
      dmRelayList(ownRelays(node), now),
      profileEvent({ name: `Bitcoin node ${node.order}`, about }, now),
    ]);
    const text = introductionText(node, signer.publicKey, hostKeys(paths.hostKeys), state.now.termEndsAt);
    const { letters, lastSaidAt } = await lettersToOwner(context, [text]);
    state.change(() => ({ letters: [...open, ...letters], lastSaidAt, isIntroduced: true }));
    reach('introduction.kept');
  });
}
