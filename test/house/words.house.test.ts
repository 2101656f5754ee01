import { afterEach, describe, expect, it } from 'vitest';
import { decodeInvoice } from '../../src/bolt11/index.ts';
import { encodeNpub } from '../../src/nostr/keys.ts';
import { createHandClock } from '../fakes/hand-clock.ts';
import { createScriptedWallet, type ScriptedWallet } from '../fakes/scripted-wallet.ts';
import { createSlowAgent, visit, type Visit } from './visit.ts';

const SKY = 'Why is the sky blue? Explain it to a child.';
const PRICE =
  'J-XXXXX. 10 sats now for a look, kept if I decline, then about 129 ($0.13) for an answer of up to 150 words. ' +
  'What it does not cost is yours. Invoice follows, good for 60 minutes. All at once, 139: send one.';
const QUOTE =
  'J-XXXXX is accepted. 129 sats ($0.13) for an answer of up to 150 words. What it does not cost is yours. ' +
  'Invoice follows, good for 60 minutes.';

let v: Visit;
afterEach(async () => {
  expect(v.broken()).toEqual([]);
  expect(v.count(`SELECT count(*) FROM tasks WHERE state = 'dead'`)).toBe(0);
  await v.close();
});

const heardBolt11 = (): string => v.guest.heard.filter((text) => text.startsWith('lnbcrt')).at(-1) ?? '';
const hashOf = (bolt11: string): string => {
  const invoice = decodeInvoice(bolt11);
  if ('invalid' in invoice) throw new Error(invoice.invalid);
  return invoice.paymentHash;
};
const idOf = (text: string): string => /J-[0-9A-Z]{5}/.exec(text)?.[0] ?? '';
const jobs = (): number => v.count('SELECT count(*) FROM jobs');

/** Asks, and comes back with the id of the unpaid job. */
async function ask(text = SKY): Promise<string> {
  await v.guest.say(text);
  await v.news();
  return idOf(v.guest.heard.at(-2) ?? '');
}

describe('a job in words', () => {
  it('is seven messages at most, where the model takes its time', async () => {
    const agent = createSlowAgent();
    v = await visit({ agent });
    await v.guest.say(SKY);
    expect(await v.news()).toEqual([PRICE, '<invoice for 10>']);
    await v.pay(heardBolt11());
    await v.pass(4);
    expect(await v.news()).toEqual(['Paid. Looking at J-XXXXX.']);
    agent.letGo();
    expect(await v.news()).toEqual([QUOTE, '<invoice for 129>']);
    await v.pay(heardBolt11());
    await v.pass(4);
    expect(await v.news()).toEqual(['Paid. Working on J-XXXXX, the answer comes here.']);
    agent.letGo();
    const [answer, ...rest] = await v.news();
    expect(rest).toEqual([]);
    expect(answer).toMatch(/^Answer of the stub agent/);
    expect(answer).toMatch(
      /\n\n129 paid, \d+ used, \d+ yours\. receipt J-XXXXX shows all\.\n\d+ sats kept for you: refund pays them out\.$/,
    );
    expect(v.guest.heard).toHaveLength(7);
    await v.pass(120);
    expect(await v.news()).toEqual([]);
  });

  it('is five where the next message is ready at once', async () => {
    v = await visit();
    await v.guest.say(SKY);
    expect(await v.news()).toEqual([PRICE, '<invoice for 10>']);
    await v.pay(heardBolt11());
    expect(await v.news()).toEqual([`Paid. ${QUOTE}`, '<invoice for 129>']);
    await v.pay(heardBolt11());
    expect(await v.news()).toEqual([expect.stringMatching(/^Paid\. Answer of the stub agent/)]);
  });

  it('says that it goes on where it takes longer than a minute, once', async () => {
    v = await visit({ agent: createSlowAgent() });
    await ask();
    await v.pay(heardBolt11());
    await v.pass(200);
    expect(await v.news()).toEqual(['Paid. Looking at J-XXXXX.', 'Still working on J-XXXXX. Nothing for you to do.']);
  });

  it('declined, costs the look', async () => {
    v = await visit();
    const id = await ask('Please reject this.');
    await v.pay(heardBolt11());
    expect(await v.news()).toEqual([
      expect.stringMatching(
        /^Paid\. I decline J-XXXXX: .*\. The 10 sats were for the look\. receipt J-XXXXX shows all\.$/,
      ),
    ]);
    await v.guest.say(`receipt ${id}`);
    const [words, event] = await v.news();
    expect(words).toMatch(/^J-XXXXX: rejected\.\nPaid: 10 \(eval\) sats\. Charged: 10\. Yours: 0\./);
    expect(JSON.parse(event ?? '')).toMatchObject({ sig: expect.any(String) as string });
    await v.guest.say('history');
    expect(await v.news()).toEqual(['J-XXXXX rejected: 10 sats paid']);
  });

  it('paid all at once: `one`', async () => {
    v = await visit();
    await ask();
    await v.guest.say('one');
    expect(await v.news()).toEqual(['<invoice for 139>']);
    await v.pay(heardBolt11());
    expect(await v.news()).toEqual([expect.stringMatching(/^Paid\. Answer[^]*\n129 paid/)]);
  });

  it('paid by both invoices: the second is owed back, and paid out to an invoice, once', async () => {
    v = await visit({ agent: createSlowAgent() });
    await ask();
    const first = heardBolt11();
    await v.guest.say('one');
    await v.news();
    await v.pay(heardBolt11());
    v.house.pay(first);
    await v.pass(130);
    const said = await v.news();
    expect(said.find((text) => text.includes('no longer waits'))).toMatch(
      /^10 sats came for J-XXXXX, which no longer waits for them\. 10 sats are yours: send me an invoice for exactly 10 sats, or a Lightning address/,
    );
    const invoice = v.invoice(10);
    await v.guest.say(invoice);
    expect(await v.news()).toEqual([
      'Paying out 10 sats (J-XXXXX). I say when it has arrived.',
      expect.stringMatching(/^Paid out: 10 sats/),
    ]);
    v.clock.advance(1000);
    await v.guest.say(invoice);
    expect(await v.news()).toEqual([expect.stringMatching(/^That was paid: 10 sats\. Payment hash: [0-9a-f]{64}/)]);
    expect(v.count('SELECT count(*) FROM stub_payments')).toBe(1);
  });
});

describe('an open job', () => {
  it('asked for again within ten minutes is the same one; `long` is another', async () => {
    v = await visit();
    await ask();
    const first = heardBolt11();
    v.clock.advance(500_000);
    await v.guest.say(`  "${SKY}" `);
    expect(await v.news()).toEqual([
      'J-XXXXX: 10 sats for the look, good for another 51 minutes. Invoice follows.',
      '<invoice for 10>',
    ]);
    expect(heardBolt11()).toBe(first);
    await v.guest.say(`long ${SKY}`);
    expect(await v.news()).toEqual([expect.stringContaining('up to 600 words'), '<invoice for 10>']);
    expect(jobs()).toBe(2);
  });

  it('takes the lines that follow at once, and shows its invoice once more', async () => {
    v = await visit({ env: { TEXT_JOIN_SECONDS: '15' } });
    await ask('Translate to German:');
    const first = heardBolt11();
    v.clock.advance(3000);
    await v.guest.say('the cat sat');
    v.clock.advance(3000);
    await v.guest.say('on the mat');
    await v.pass(4);
    expect(await v.news()).toEqual([]);
    await v.pass(2);
    expect(await v.news()).toEqual([
      'Added, still J-XXXXX, same invoice. Then about 129 sats for up to 150 words.',
      '<invoice for 10>',
    ]);
    expect([heardBolt11(), jobs()]).toEqual([first, 1]);
    await v.guest.say('job another one');
    await v.news();
    expect(jobs()).toBe(2);
    v.clock.advance(20_000);
    await v.guest.say('too late to be added');
    await v.news();
    expect(jobs()).toBe(3);
  });

  it('status, invoice, uri and cancel tell and do what they say', async () => {
    v = await visit();
    const id = await ask();
    await v.guest.say('status');
    await v.guest.say(`invoice ${id.toLowerCase()}`);
    await v.guest.say('uri');
    await v.guest.say('invoice');
    expect(await v.news()).toEqual([
      'J-XXXXX: waits for 10 sats, 60 minutes left. invoice J-XXXXX shows it again.',
      'J-XXXXX: 10 sats for the look, good for another 60 minutes. Invoice follows.',
      '<invoice for 10>',
      'lightning:<invoice for 10>',
      'J-XXXXX: 10 sats for the look, good for another 60 minutes. Invoice follows.',
      'lightning:<invoice for 10>',
    ]);
    await v.guest.say(`cancel ${id}`);
    v.clock.advance(1000);
    await v.guest.say(`cancel ${id}`);
    await v.guest.say('status');
    expect(await v.news()).toEqual([
      expect.stringMatching(/^J-XXXXX is cancelled\. Please do not pay/),
      'J-XXXXX is already cancelled: there is nothing to cancel.',
      'J-XXXXX: cancelled.',
    ]);
  });

  it('cancelled and paid all the same: the money is theirs', async () => {
    v = await visit();
    await ask();
    const bolt11 = heardBolt11();
    await v.guest.say('cancel');
    await v.news();
    v.house.pay(bolt11);
    await v.pass(130);
    expect(await v.news()).toEqual([expect.stringMatching(/^10 sats came for J-XXXXX, which no longer waits/)]);
  });

  it('lapses in silence, and is opened again', async () => {
    v = await visit();
    const id = await ask();
    for (let minute = 0; minute < 62; minute++) {
      v.clock.advance(60_000);
      await v.pass();
    }
    expect(await v.news()).toEqual([]);
    await v.guest.say('status');
    await v.guest.say(`invoice ${id}`);
    expect(await v.news()).toEqual([
      'J-XXXXX: its invoice ran out unpaid. invoice J-XXXXX opens it again for seven days.',
      '<invoice for 10>',
    ]);
    await v.pay(heardBolt11());
    expect((await v.news())[0]).toMatch(/^Paid\. J-XXXXX is accepted/);
  });

  it('said to be paid is looked up; a word credits nothing', async () => {
    v = await visit();
    await ask();
    await v.guest.say('paid');
    expect(await v.news()).toEqual([expect.stringMatching(/^My wallet does not see that payment yet/)]);
    expect(v.count('SELECT count(*) FROM claims')).toBe(1);
    v.house.pay(heardBolt11());
    await v.guest.say('i paid the invoice');
    expect((await v.news())[0]).toMatch(/^Paid\. J-XXXXX is accepted/);
  });

  it('said to be paid with a preimage: the fitting one tells which, and is kept for the person who looks', async () => {
    const npub = encodeNpub('d'.repeat(63) + '1');
    v = await visit({ env: { TIMMY_OPERATOR_NPUBS: npub } });
    const [first] = [await ask('Why is the sky blue?'), await ask('Why is grass green?')];
    const { $client } = v.house.database.read;
    const of = (id: string, column: string): string =>
      $client
        .prepare(`SELECT ${column} FROM stub_invoices s JOIN invoices i USING (payment_hash) WHERE i.order_id = ?`)
        .pluck()
        .get(id) as string;
    await v.guest.say(`paid ${'ab'.repeat(32)}`);
    expect(await v.news()).toEqual([
      expect.stringMatching(/^My wallet does not see that payment yet.* The preimage you sent belongs to no invoice/),
    ]);
    await v.guest.say(`paid ${of(first, 'preimage')}`);
    expect(await v.news()).toEqual([expect.stringMatching(/A person is told too\. Your preimage fits J-XXXXX/)]);
    expect($client.prepare('SELECT payment_hash, preimage FROM claims WHERE preimage IS NOT NULL').all()).toEqual([
      { payment_hash: of(first, 'i.payment_hash'), preimage: of(first, 'preimage') },
    ]);
    const alerts = $client.prepare(`SELECT what FROM told WHERE what LIKE 'alert:%'`).pluck().all();
    expect(alerts).toContainEqual(expect.stringMatching(/a preimage that fits it: evidence, no proof/));
    v.house.pay(of(first, 's.bolt11'));
    v.clock.advance(1000);
    await v.guest.say(`paid ${of(first, 'preimage')}`);
    expect((await v.news())[0]).toMatch(/^Paid\. /);
    v.clock.advance(1000);
    await v.guest.say(`paid ${of(first, 'preimage')}`);
    expect(await v.news()).toEqual(['That payment has come: it paid J-XXXXX. status shows how things stand.']);
  });

  it('paid with more than was asked: told once what is theirs', async () => {
    let wallet: ScriptedWallet | undefined;
    const clock = createHandClock();
    v = await visit({ clock, wallet: () => (wallet = createScriptedWallet(clock, 0n)) });
    await v.guest.say(SKY);
    v.house.timmy.onWalletHint(null);
    await v.news();
    wallet?.receive(hashOf(heardBolt11()), 17_500n);
    v.house.timmy.onWalletHint(null);
    await v.pass(4);
    const said = await v.news();
    expect(said.filter((text) => text.includes('more came'))).toEqual([
      '7 sats more came for J-XXXXX than I asked for. 7 sats kept for you: refund pays them out.',
    ]);
    clock.advance(400_000);
    await v.pass();
    expect((await v.news()).filter((text) => text.includes('more came'))).toEqual([]);
  });

  it('is for one customer: to all others it does not exist', async () => {
    v = await visit();
    const id = await ask();
    const stranger = await v.house.guest();
    for (const word of ['status', 'invoice', 'cancel', 'paid', 'receipt', 'refund'])
      await stranger.say(`${word} ${id}`);
    await stranger.say(`status J-00000`);
    await v.pass();
    const told = stranger.heard.map((text) => text.replaceAll(id, 'J-00000'));
    expect(told).toHaveLength(7);
    expect([...new Set(told)]).toHaveLength(1);
    expect(v.guest.heard).toHaveLength(2);
  });

  it('sent back as its own invoice is not paid by us', async () => {
    v = await visit();
    await ask();
    await v.guest.say(heardBolt11());
    expect(await v.news()).toEqual(['That is my invoice: pay it in your wallet. It is still open (J-XXXXX).']);
  });
});

describe('what is no order', () => {
  it.each(['hi', 'gm', 'ok thanks', '👍', '...', 'ping', 'how much?', 'are you a bot?', 'wie geht es dir', '?'])(
    '%j is never sold',
    async (text) => {
      v = await visit();
      await v.guest.say(text);
      await v.pass();
      expect(jobs()).toBe(0);
      expect(v.guest.heard.length).toBeLessThanOrEqual(1);
      for (const said of v.guest.heard) expect(said.length).toBeLessThan(350);
    },
  );

  it('help, quote and forget cost nothing', async () => {
    v = await visit();
    await v.guest.say('/help');
    await v.guest.say(`quote ${SKY}`);
    await v.guest.say('cancel');
    await v.guest.say('forget');
    expect(await v.news()).toEqual([
      expect.stringContaining('job <text>'),
      expect.stringMatching(/^That would be 10 sats for a look, then about 129 \(\$0\.13\)/),
      'Nothing of yours is open. Write what you want done.',
      expect.stringMatching(/^Erased for good: \d+ texts, and the key/),
    ]);
    expect(jobs()).toBe(0);
  });

  it('command words in a sentence are a request', async () => {
    v = await visit();
    await v.guest.say('cancel culture essay');
    await v.guest.say('history of the Hanseatic League');
    expect((await v.news()).filter((text) => text === '<invoice for 10>')).toHaveLength(2);
  });

  it('too long a text is refused, and nothing kept', async () => {
    v = await visit();
    await v.guest.say('x'.repeat(8001));
    expect(await v.news()).toEqual([expect.stringMatching(/^That is 8001 characters; I take 8000 at most/)]);
    expect(jobs()).toBe(0);
  });

  it('a secret key is not kept', async () => {
    v = await visit();
    const nsec = `nsec1${'q'.repeat(58)}`;
    await v.guest.say(`my key is ${nsec}`);
    expect(await v.news()).toEqual([expect.stringMatching(/^You sent me a secret key/)]);
    expect([jobs(), v.count('SELECT count(*) FROM texts')]).toEqual([0, 0]);
  });

  it('a group, a file and a picture are told once; a reaction never', async () => {
    v = await visit();
    const other = await v.house.guest();
    for (let n = 0; n < 3; n++) {
      await v.guest.say(`to all ${n}`, undefined, { also: [other.pubkey] });
      await v.guest.say(`https://files.example/${n}`, undefined, { kind: 15 });
      await v.guest.say(`https://pics.example/${n}.jpg`);
      await v.guest.say('+', undefined, { kind: 7 });
      v.clock.advance(1000);
    }
    expect((await v.news()).sort()).toEqual([
      'I answer in private only: please write to me alone. Nothing was charged.',
      'I read text only, nothing was charged. Write it in words.',
    ]);
    expect(other.heard).toEqual([]);
  });

  it('a message from days ago, or from a clock ahead, is told so once and not run', async () => {
    v = await visit();
    for (const text of ['one', 'two']) {
      await v.guest.say(`job ${text}`, v.clock.now() - 80 * 3600);
      await v.guest.say(`job ${text}`, v.clock.now() + 3600);
    }
    expect(await v.news()).toEqual([
      expect.stringMatching(/^Your message is more than three days old/),
      expect.stringMatching(/^Your clock is more than 15 minutes ahead/),
    ]);
    expect(jobs()).toBe(0);
  });
});

describe('limits', () => {
  it('too fast: told once, then silence, then served again', async () => {
    v = await visit({ env: { LIMIT_COMMANDS_BURST: '2', LIMIT_COMMANDS_PER_SECOND: '1' } });
    for (let n = 0; n < 6; n++) await v.guest.say(`quote number ${n} of my questions`);
    const said = await v.news();
    expect(said.map((text) => text.slice(0, 13))).toEqual(['That would be', 'That would be', 'That is too f']);
    v.clock.advance(3000);
    await v.guest.say(`quote ${SKY}`);
    expect(await v.news()).toHaveLength(1);
  });

  it('answers that nobody pays for run out, and come back with time', async () => {
    v = await visit();
    for (let n = 0; n < 15; n++) await v.guest.say(`quote number ${n} of my questions`);
    const heard = await v.news();
    expect(heard).toHaveLength(11);
    expect(heard.at(-1)).toMatch(/^Slow down, please: I answer you again in \d+ seconds/);
    v.clock.advance(60_000);
    for (let n = 0; n < 5; n++) await v.guest.say(`quote number ${n} of my questions`);
    expect((await v.news()).filter((text) => !text.startsWith('Slow down'))).toHaveLength(3);
  });

  it('three unpaid invoices, no more', async () => {
    v = await visit();
    for (const text of ['one apple', 'two pears', 'three plums']) await ask(text);
    await v.guest.say('four cherries');
    expect(await v.news()).toEqual([expect.stringMatching(/^You have 3 unpaid invoices open/)]);
    await v.guest.say('cancel');
    await v.news();
    v.clock.advance(1000);
    await v.guest.say('four cherries');
    expect((await v.news())[1]).toBe('<invoice for 10>');
  });
});
