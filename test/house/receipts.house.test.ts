import { afterEach, expect, it } from 'vitest';
import { receiptChain } from '../../src/payments/index.ts';
import { readChain, verifyChain, type ChargeContent, type OrderAccount } from '../../src/receipts/index.ts';
import { refusalOfChain } from '../receipts/second-verifier.mjs';
import { createSlowAgent, visit, type Visit } from './visit.ts';

let v: Visit;
afterEach(async () => {
  expect(v.broken()).toEqual([]);
  await v.close();
});

const heardBolt11 = (): string => v.guest.heard.filter((text) => text.startsWith('lnbcrt')).at(-1) ?? '';
const heardId = (): string =>
  /\b[JS]-[0-9A-Z]{5}\b/.exec(v.guest.heard.findLast((text) => /\b[JS]-/.test(text)) ?? '')?.[0] ?? '';

/** The signed chain of a customer, checked by both verifiers, and what it says of each order. */
async function chain(owner = v.guest.pubkey): Promise<{ outcomes: string[]; accounts: readonly OrderAccount[] }> {
  await v.pass(2);
  const events = receiptChain(v.house.database.read, owner).map(({ event, sig }) => ({ ...event, sig }));
  const { problems, accounts } = readChain(events, { signer: v.house.pubkey });
  expect(problems).toEqual([]);
  expect(refusalOfChain(events)).toBeNull();
  // Whichever is left out but the last, it shows.
  for (let at = 0; at < events.length - 1; at++) expect(verifyChain(events.toSpliced(at, 1))).not.toEqual([]);
  const contents = events.map(
    ({ content }) => JSON.parse(content) as { type: string; outcome?: ChargeContent['outcome'] },
  );
  return { outcomes: contents.map(({ type, outcome }) => outcome ?? type), accounts };
}

it('a job adds up over its receipts, and its refund with them', async () => {
  v = await visit();
  await v.guest.say('Why is the sky blue?');
  await v.pass();
  await v.pay(heardBolt11());
  await v.pay(heardBolt11());
  const id = heardId();
  const change = (await chain()).accounts[0]?.owed ?? 0;
  expect(change).toBeGreaterThan(0);
  await v.guest.say(v.invoice(change));
  const { outcomes, accounts } = await chain();
  expect(outcomes).toEqual(['accepted', 'complete', 'refund']);
  const charged = 139 - change;
  expect(accounts).toEqual([{ id, paid: 139, fromOwed: 0, charged, refunded: change, used: 0, owed: 0, held: 0 }]);
  await v.news();
  await v.guest.say(`receipt ${id}`);
  const [words] = await v.news();
  expect(words).toContain(
    `Paid: 10 (eval) + 129 (work) sats. Charged: ${charged}. Yours: ${change}, paid out.\nThe look: 10 sats.`,
  );
  expect(words).toContain('Below: 3 receipts, signed, the last of a refund. Anybody can check them with: timmy verify');
  expect(words).toMatch(/The work: quoted 129, came to \d+\.\neval: \d+ tokens in, \d+ out\nwork: /);
});

it('work paid for at another price than it was accepted at: that price is signed before the work begins', async () => {
  let usdMicros = 100_000_000_000n;
  const agent = createSlowAgent();
  const read = () => Promise.resolve(['x', 'y', 'z'].map((source) => ({ source, usdMicros })));
  v = await visit({ agent, priceSources: { count: 3, read } });
  await v.guest.say('Why is the sky blue?');
  await v.pass();
  await v.pay(heardBolt11());
  agent.letGo();
  await v.pass();
  const id = heardId();
  usdMicros = 90_000_000_000n;
  v.clock.advance(3_700_000);
  await v.pass(2);
  await v.guest.say(`invoice ${id}`);
  await v.pass(1);
  expect((await v.news()).at(-1)).not.toBe('<invoice for 129>');
  await v.pay(heardBolt11());
  expect((await chain()).outcomes).toEqual(['accepted', 'requoted']);
  agent.letGo();
  await v.pass(1);
  const { outcomes, accounts } = await chain();
  expect(outcomes).toEqual(['accepted', 'requoted', 'complete']);
  expect(accounts).toMatchObject([{ id, owed: (accounts[0]?.paid ?? 0) - (accounts[0]?.charged ?? 0) }]);
});

it('money that came twice is told of when it goes back, and kept money by the debt that it was', async () => {
  v = await visit({ agent: createSlowAgent() });
  await v.guest.say('Why is the sky blue?');
  await v.pass();
  const look = heardBolt11();
  await v.guest.say('one');
  await v.pass();
  await v.pay(heardBolt11());
  v.house.pay(look);
  await v.pass(130);
  await v.guest.say(v.invoice(10));
  await v.pass(2);
  expect(await chain()).toMatchObject({ outcomes: ['refund'], accounts: [{ paid: 10, refunded: 10, owed: 0 }] });
});

it('what is owed pays the next step of a customer who keeps it, and the receipt says of what', async () => {
  v = await visit();
  await v.guest.say('keep on');
  await v.guest.say('Please reject this.');
  await v.pass();
  await v.guest.say('one');
  await v.pass();
  await v.pay(heardBolt11());
  await v.guest.say('Why is the sky blue?');
  await v.pass(2);
  const { outcomes, accounts } = await chain();
  expect(outcomes).toEqual(['rejected', 'accepted']);
  expect(accounts).toMatchObject([
    { paid: 139, charged: 10, used: 10, owed: 119 },
    { paid: 0, fromOwed: 10, charged: 10 },
  ]);
});

it('a session: its owner has the balance, a holder of its token their own requests', async () => {
  v = await visit();
  await v.guest.say('session 1000');
  await v.pass(1);
  await v.pay(heardBolt11());
  await v.guest.say('Why is the sky blue?');
  await v.pass(2);
  await v.guest.say('token');
  await v.pass(2);
  const token = v.guest.heard.findLast((text) => /^[0-9a-f]{64}$/.test(text)) ?? '';
  const friend = await v.house.guest();
  await friend.say(`use ${token}`);
  await v.pass(1);
  await friend.say('Why is the grass green?');
  await v.pass(2);
  expect((await chain(friend.pubkey)).outcomes).toEqual(['complete']);
  expect((await chain(friend.pubkey)).accounts).toEqual([]);
  await v.guest.say('Please reject this?');
  await v.pass(2);
  await v.guest.say('close');
  await v.pass(2);
  const { outcomes, accounts } = await chain();
  expect(outcomes).toEqual(['complete', 'rejected', 'ended']);
  expect(accounts).toMatchObject([{ paid: 1000, charged: 1000 - (accounts[0]?.owed ?? 0), held: 0 }]);
  await v.guest.say(v.invoice(accounts[0]?.owed ?? 0));
  await v.pass(2);
  expect((await chain()).accounts).toMatchObject([{ refunded: accounts[0]?.owed, owed: 0, held: 0 }]);
});

it('a session closed while a request runs gives back the rest when that has ended; opened again, it goes on from nothing', async () => {
  const agent = createSlowAgent();
  v = await visit({ agent });
  await v.guest.say('session 500');
  await v.pass(1);
  await v.pay(heardBolt11());
  await v.guest.say('Why is the sky blue?');
  await v.pass(1);
  agent.letGo();
  await v.pass(1);
  await v.guest.say('close');
  await v.pass(1);
  agent.letGo();
  await v.pass(2);
  const closed = await chain();
  expect(closed.outcomes).toEqual(['ended', 'complete', 'ended']);
  const rest = closed.accounts[0]?.owed ?? 0;
  expect(closed.accounts).toMatchObject([{ paid: 500, charged: 500 - rest, held: 0 }]);
  await v.guest.say('session');
  await v.pass(2);
  await v.guest.say('close');
  await v.pass(20);
  const again = await chain();
  expect(again.outcomes).toEqual(['ended', 'complete', 'ended', 'ended']);
  expect(again.accounts).toMatchObject([
    { paid: 500, used: rest, owed: 0 },
    { fromOwed: rest, owed: rest },
  ]);
});

it('a session that nobody asked anything in gives back all of it', async () => {
  v = await visit();
  await v.guest.say('session 500');
  await v.pass(1);
  await v.pay(heardBolt11());
  await v.guest.say('close');
  await v.pass(2);
  await v.guest.say(v.invoice(500));
  const { outcomes, accounts } = await chain();
  expect(outcomes).toEqual(['ended', 'refund']);
  expect(accounts).toMatchObject([{ paid: 500, charged: 0, refunded: 500, owed: 0, held: 0 }]);
});

it('requests that run side by side, by owner and token, with a top-up between: no chain has a gap', async () => {
  const agent = createSlowAgent();
  v = await visit({ agent, env: { LIMIT_RUNNING: '20', LIMIT_UNPAID_ANSWERS_PER_MINUTE: '600' } });
  await v.guest.say('session 1000');
  await v.pass(1);
  await v.pay(heardBolt11());
  await v.guest.say('token');
  await v.pass(2);
  const token = v.guest.heard.findLast((text) => /^[0-9a-f]{64}$/.test(text)) ?? '';
  const friend = await v.house.guest();
  await friend.say(`use ${token}`);
  await v.pass(1);
  const rpc = (id: number) =>
    JSON.stringify({ jsonrpc: '2.0', id, method: 'session.request', params: { request: `Question ${id}?` } });
  for (let id = 1; id <= 3; id++) await v.guest.say(rpc(id));
  await friend.say('And mine?');
  await v.pass(1);
  agent.letGo();
  agent.letGo();
  await v.guest.say('topup 500');
  await v.pass(1);
  await v.pay(heardBolt11());
  for (let turn = 0; turn < 8; turn++) {
    agent.letGo();
    await v.pass(1);
  }
  await v.guest.say('close');
  await v.pass(2);
  const { outcomes, accounts } = await chain();
  expect(outcomes.filter((outcome) => outcome === 'complete').length).toBeGreaterThanOrEqual(2);
  expect(outcomes.at(-1)).toBe('ended');
  expect(accounts).toMatchObject([{ paid: 1500, charged: 1500 - (accounts[0]?.owed ?? 0), held: 0 }]);
  expect((await chain(friend.pubkey)).outcomes).toEqual(['complete']);
});

it('what an earlier version charged is said, and that its receipt had another form', async () => {
  v = await visit();
  await v.guest.say('Why is the sky blue?');
  await v.pass();
  const id = heardId();
  await v.news();
  const event = JSON.stringify({ content: JSON.stringify({ bill: { charged_sats: 138 } }) });
  v.house.database.read.$client
    .prepare(`INSERT INTO former_receipts VALUES ('x', ?, json_array(?), 'charge', ?, 1)`)
    .run(v.guest.pubkey, id, event);
  await v.guest.say(`receipt ${id}`);
  expect((await v.news()).at(-1)).toMatch(/^J-XXXXX was charged 138 sats by an earlier version of mine/);
});
