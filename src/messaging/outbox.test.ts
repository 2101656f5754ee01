import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshDatabase } from '../../test/builders/fresh-database.ts';
import { freshTexts } from '../../test/builders/texts.ts';
import { createHandClock, type HandClock } from '../../test/fakes/hand-clock.ts';
import { meet, type Texts } from '../customers/index.ts';
import type { Database } from '../db/index.ts';
import { unixSeconds } from '../lib/units.ts';
import { success } from './dialects/jsonrpc/index.ts';
import type { InboundMessage } from './inbound.ts';
import { enqueue, type OutgoingMessage } from './outbox.ts';

const [GUEST, OTHER] = ['aa'.repeat(32), 'bb'.repeat(32)] as const;

let database: Database;
let clock: HandClock;
let texts: Texts;
beforeEach(() => {
  database = freshDatabase();
  clock = createHandClock();
  texts = freshTexts();
  database.write((tx) => {
    for (const one of [GUEST, OTHER]) meet(tx, one, 'nip17', null, clock.now());
  });
});
afterEach(() => database.close());

let serial = 0;
function asked(sender: string = GUEST): InboundMessage {
  serial += 1;
  return {
    id: serial,
    sender,
    rumorId: serial.toString(16).padStart(64, '0'),
    protocol: 'nip17',
    kind: 14,
    createdAt: unixSeconds(clock.now()),
    age: 'fresh',
    isGroup: false,
    textId: null,
    shed: null,
    retryAfter: null,
    dialect: 'words',
    rpcId: null,
    rpcMethod: null,
    rpcKey: null,
  };
}

function answer(message: InboundMessage, text: string, more: Partial<OutgoingMessage> = {}): void {
  const outgoing = { to: message.sender, text, answering: message, ...more };
  database.write((tx) => enqueue(tx, texts, outgoing, clock.now()));
}

const waiting = (to: string): number =>
  database.read.$client.prepare('SELECT count(*) FROM outbox WHERE recipient = ?').pluck().get(to) as number;

describe('the same answer', () => {
  it('in words is given once in ten seconds, to each reader', () => {
    for (let n = 0; n < 5; n++) answer(asked(), 'You have no orders.');
    answer(asked(OTHER), 'You have no orders.');
    expect([waiting(GUEST), waiting(OTHER)]).toEqual([1, 1]);
    clock.advance(11_000);
    answer(asked(), 'You have no orders.');
    expect(waiting(GUEST)).toBe(2);
    expect(database.read.$client.prepare('SELECT count(*) FROM texts').pluck().get()).toBe(3);
  });

  it('is given to each request of a program, and where money is in it', () => {
    for (let n = 0; n < 3; n++) answer(asked(), success(1, { orders: [] }));
    for (let n = 0; n < 3; n++) answer(asked(), 'Paid.', { paid: true });
    expect(waiting(GUEST)).toBe(6);
  });

  it('twice within one answer is twice', () => {
    const message = asked();
    answer(message, 'One part.');
    answer(message, 'One part.', { reference: false });
    expect(waiting(GUEST)).toBe(2);
  });
});

describe('where fifty wait for one reader', () => {
  const fill = (count: number): void => {
    for (let n = 0; n < count; n++) answer(asked(), `no ${n}`);
  };

  it('all of an answer is sent or nothing of it', () => {
    fill(49);
    const [begun, late] = [asked(), asked()];
    answer(begun, 'The invoice follows.');
    answer(late, 'The invoice follows, too.');
    answer(begun, 'lnbc1', { reference: false });
    answer(late, 'lnbc2', { reference: false });
    expect(waiting(GUEST)).toBe(51);
  });

  it('what is paid for is never dropped', () => {
    fill(60);
    answer(asked(), 'The answer.', { paid: true });
    expect(waiting(GUEST)).toBe(51);
  });
});
