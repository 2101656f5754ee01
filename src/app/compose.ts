import { commandTasks } from '../commands/index.ts';
import { tellPayout } from '../commands/refund-news.ts';
import { createRateLimits, createTexts } from '../customers/index.ts';
import { keepFact, readFact, type Reader, type Tx } from '../db/index.ts';
import { busyWithOrders, countAtWork, createEngine, faceOf, type ProductFace } from '../engine/index.ts';
import type { Refusal } from '../lib/errors.ts';
import {
  createAdmission,
  createInbox,
  createPublisher,
  createSealSecret,
  remakeSealTasks,
  routeTask,
  sealTask,
  tooLargeTask,
  workTask,
  type DeliveryOptions,
} from '../messaging/index.ts';
import { isPublicRelay } from '../nostr/relay-url.ts';
import { sendAlert, tellStuck } from '../operator/alerts.ts';
import { judgeBooks } from '../operator/judge-books.ts';
import { verifyBetweenOtherWork } from '../operator/verify.ts';
import {
  byHandTask,
  createInvoiceTask,
  createIssuing,
  createPriceBook,
  createReceiptBook,
  hasPaidBefore,
  remakePaymentTasks,
  remakeRefundTasks,
  signReceiptTask,
  lateInvoiceTask,
  lookAtPayoutSoon,
  lookSoon,
  mayLeave,
  profileLookupTask,
  reconcileTask,
  sendPayoutTask,
  walletNewsTask,
  watchInvoiceTask,
  watchPayoutTask,
  type PayoutTaskOptions,
} from '../payments/index.ts';
import type { Relays } from '../ports/relays.ts';
import { CATALOGUE } from '../products/catalogue.ts';
import { createModelGate } from '../products/_shared/model-gate.ts';
import { modelProbeTask } from '../products/_shared/model-probe.ts';
import { modelTrouble, probeTroublesNow } from '../products/_shared/model-trouble.ts';
import type { Shop, Ware } from '../products/_shared/shop.ts';
import { tariffFrom } from '../pricing/index.ts';
import { createWorker, type TaskKind } from '../tasks/index.ts';
import { whyClosed } from './closed.ts';
import { watchDisk } from './disk-watch.ts';
import { housekeepingTask } from './housekeeping.ts';
import { infoParts } from './info-parts.ts';
import type { Parts, Timmy } from './parts.ts';
import { profileOf, profileTask } from './profile-task.ts';
import { asWitnesses, createTimeWatch } from './time-watch.ts';

/** Joins adapters, products, words and settings to the rest. The only place that knows them all. */
export function compose(parts: Parts, catalogue: readonly Ware[] = CATALOGUE): Timmy {
  const { settings, database, clock, rng, log, reach, relays, wallet, agent, signer } = parts;
  const texts = createTexts(parts.textKeys, rng);
  const startedAt = clock.now();
  const alert = (tx: Tx, what: string): void =>
    sendAlert({ texts, log, operators: settings.TIMMY_OPERATOR_NPUBS }, tx, what, clock.now());

  const onParked = (kind: string): void => {
    const what = `A task of kind ${kind} failed too often and was set aside. See: timmy status`;
    database.write((tx) => alert(tx, what));
  };
  const worker = createWorker({
    database,
    clock,
    rng,
    log,
    reach,
    width: { model: settings.LIMIT_PAID_AT_ONCE },
    onParked,
  });

  const prices = createPriceBook({
    database,
    clock,
    log,
    sources: asWitnesses(parts.priceSources, clock),
    alone: settings.BTC_PRICE_URL !== undefined,
    fallbackUsdMicros: decimalMicros(settings.BTC_PRICE_USD_FALLBACK),
  });
  const payee = {
    get: () => readFact(database.read, 'payee'),
    pin: (key: string) => {
      if (readFact(database.read, 'payee') === null) database.write((tx) => keepFact(tx, 'payee', key));
    },
  };

  const dailyBudgetUsd = Number(settings.MODEL_DAILY_BUDGET_USD);
  const closedBecause = (reader: Reader): string | null => whyClosed(reader, dailyBudgetUsd, clock.now());
  const delivery: DeliveryOptions = {
    database,
    clock,
    rng,
    log,
    signer,
    texts,
    relays,
    inboxRelays: parts.inboxRelays,
    discoveryRelays: parts.discoveryRelays,
    mayUse: (relay) => settings.TIMMY_ALLOW_PRIVATE_NETWORK || isPublicRelay(relay),
    onReady: () => {
      publisher.poke();
      worker.poke();
    },
  };
  const models = createModelGate({ database, clock, log, agent, alert, dailyBudgetUsd });
  const faces = catalogue.flatMap((ware) => ware.faces);
  const busyBecause = (reader: Reader, owner: string): Refusal | null => busyWithOrders(faces, settings, reader, owner);
  const sealSecret = createSealSecret(delivery);
  const shop: Shop = {
    settings,
    database,
    clock,
    rng,
    texts,
    prices,
    models,
    alert,
    startedAt,
    closedBecause,
    busyBecause,
    isPaidWorkFull: (reader) => countAtWork(reader, faces, null) >= settings.LIMIT_PAID_AT_ONCE,
    sealSecret,
    clouds: parts.clouds,
  };
  const wares = catalogue.map((ware) => ware.open(shop));
  const products = wares.flatMap((ware) => ware.products);
  const issuing = createIssuing({
    limits: settings,
    closedBecause,
    busyBecause,
  });
  const receipts = createReceiptBook(signer.publicKey);
  const engine = createEngine({
    database,
    clock,
    texts,
    products,
    receipts,
    issuing,
    alert,
    describeInvoice: (orderId, purpose) => describeInvoice(faces, orderId, purpose),
  });

  const ofProducts = wares.map((ware) => ware.commands(engine));
  const info = infoParts({
    settings,
    npubOf: signer.publicKey,
    version: parts.version,
    wallet,
    agent,
    prices,
    ofProducts,
    closedBecause,
  });
  const limits = createRateLimits(clock, settings);
  const commands = commandTasks({
    engine,
    database,
    clock,
    texts,
    prices,
    wallet,
    signer,
    info,
    products,
    alert,
    lnurl: parts.lnurl,
    payee: payee.get,
    ofProducts,
    operators: settings.TIMMY_OPERATOR_NPUBS,
    rpcBytes: settings.LIMIT_RPC_BYTES,
    messageChars: settings.LIMIT_MESSAGE_CHARS,
    unpaidPerMinute: settings.LIMIT_UNPAID_ANSWERS_PER_MINUTE,
    autoMinSats: settings.REFUND_AUTO_MIN_SATS,
    askMinSats: settings.REFUND_ASK_MIN_SATS,
    feeDailySats: settings.REFUND_FEE_DAILY_SATS,
    allowPrivateNetwork: settings.TIMMY_ALLOW_PRIVATE_NETWORK,
  });

  const publisher = createPublisher({
    ...delivery,
    reach,
    onStuck: (tx, stuck, now) => tellStuck({ alert, operators: settings.TIMMY_OPERATOR_NPUBS }, tx, stuck, now),
  });
  const payouts: PayoutTaskOptions = {
    database,
    clock,
    log,
    wallet,
    payee,
    alert,
    receipts,
    probeSeconds: settings.REFUND_PROBE_SECONDS,
    caps: {
      paymentSats: settings.REFUND_MAX_SATS,
      dailySats: settings.REFUND_DAILY_SATS,
      inFlight: settings.REFUND_MAX_IN_FLIGHT,
      inFlightOfOwner: Math.min(2, settings.REFUND_MAX_IN_FLIGHT),
      inFlightFloorSats: settings.REFUND_IN_FLIGHT_FLOOR_SATS,
      feeDailySats: settings.REFUND_FEE_DAILY_SATS,
    },
    mayLeave: () => mayLeave(database.read),
    tell: (tx, payout, news) =>
      tellPayout({ texts, engine, askMinSats: settings.REFUND_ASK_MIN_SATS }, tx, payout, news, clock.now()),
  };
  const profile = profileOf(settings);

  const kinds: readonly TaskKind<never>[] = [
    ...commands,
    sealTask(delivery),
    workTask(delivery),
    routeTask(delivery),
    tooLargeTask({ log, alert }),
    createInvoiceTask(payouts),
    watchInvoiceTask(payouts),
    lateInvoiceTask(payouts),
    walletNewsTask(payouts),
    sendPayoutTask(payouts),
    watchPayoutTask(payouts),
    byHandTask(payouts),
    reconcileTask({ database, clock, log, wallet, alert }),
    profileLookupTask({
      database,
      clock,
      relays,
      where: [...parts.discoveryRelays, ...parts.inboxRelays],
      allowPrivateNetwork: settings.TIMMY_ALLOW_PRIVATE_NETWORK,
    }),
    signReceiptTask({ database, signer }),
    profileTask({
      clock,
      signer,
      relays,
      profile,
      inboxRelays: parts.inboxRelays,
      discoveryRelays: parts.discoveryRelays,
    }),
    housekeepingTask({
      database,
      clock,
      log,
      retentionDays: settings.TIMMY_RETENTION_DAYS,
      keys: parts.textKeys,
      faces,
      verify: (rest) => verifyBetweenOtherWork(database.read, { now: clock.now(), startedAt }, rest, faces),
      onVerified: (tx, broken) => {
        const onLate = (tx_: Tx): void => remakeMissingTasks(tx_, clock.now(), false);
        judgeBooks({ alert, onLate }, tx, broken, clock.now());
      },
    }),
    modelProbeTask({
      read: database.read,
      gate: models,
      tariffNow: () => tariffFrom(settings, prices.now(database.read)),
    }),
    ...wares.flatMap((ware) => ware.tasks?.(engine) ?? []),
    ...engine.taskKinds(),
  ];
  for (const kind of kinds) worker.register(kind);
  if (modelTrouble(database.read) !== null) database.write((tx) => probeTroublesNow(tx, startedAt));

  const disk = watchDisk({
    database,
    clock,
    log,
    freeBytes: parts.freeBytes,
    floorMb: settings.DISK_FLOOR_MB,
    alert,
  });
  const inbox = createInbox({
    database,
    clock,
    log,
    reach,
    signer,
    texts,
    bornAt: parts.bornAt,
    onFiled: () => worker.poke(),
    mayTake: () => disk.hasRoom(),
    admit: createAdmission({
      clock,
      limits,
      messageChars: settings.LIMIT_MESSAGE_CHARS,
      rpcBytes: settings.LIMIT_RPC_BYTES,
      hasPaid: hasPaidBefore,
      bytesPerHour: settings.LIMIT_STORE_MB_PER_HOUR * 1e6,
    }),
  });
  const remakeMissingTasks: Timmy['remakeMissingTasks'] = (tx, now, atStart) => {
    const remade = {
      ...remakePaymentTasks(tx, now),
      ...(atStart ? remakeRefundTasks(tx, settings.REFUND_AUTO_MIN_SATS, now) : {}),
      ...engine.remakeTasks(tx, now),
      'outbox.seal': remakeSealTasks(tx, now),
    };
    for (const [kind, count] of Object.entries(remade)) if (count > 0) log.warn('task.remade', { kind, count });
  };
  const onWalletHint = (paymentHash: string | null): void => {
    database.write((tx) => {
      lookSoon(tx, paymentHash, clock.now());
      if (paymentHash !== null) lookAtPayoutSoon(tx, paymentHash, clock.now());
    });
    worker.poke();
  };
  const onRelayTrouble = (relay: string): void => {
    const what = `${relay.replace(/\?.*$/, '')} keeps an event for us that is too large to be read. We read around it; nothing for you to do unless it happens often.`;
    database.write((tx) => alert(tx, what));
  };
  const time = createTimeWatch({
    database,
    clock,
    log,
    alert,
    isDeaf: () => isDeaf(relays),
    askWitness: () => void prices.refresh(new AbortController().signal),
    onMoved: () => worker.poke(),
  });
  const recurring = wares.flatMap((ware) => ware.recurring ?? []);
  return { worker, publisher, inbox, prices, time, disk, recurring, remakeMissingTasks, onWalletHint, onRelayTrouble };
}

function isDeaf(relays: Relays): boolean {
  const states = relays.states();
  return states.length > 0 && states.every(({ state }) => state !== 'subscribed');
}

/** "Timmy J-4KQ7M look": never the request, and short, so that the invoice stays short. */
function describeInvoice(faces: readonly ProductFace[], orderId: string, purpose: string): string {
  return `Timmy ${orderId} ${faceOf(faces, orderId)?.invoiceWords[purpose] ?? purpose}`;
}

function decimalMicros(decimal: string): bigint {
  const [whole = '0', places = ''] = decimal.split('.');
  return BigInt(whole) * 1_000_000n + BigInt(places.slice(0, 6).padEnd(6, '0'));
}
