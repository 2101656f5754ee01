import { afterEach, describe, expect, it } from 'vitest';
import { visit, type Visit } from './visit.ts';

let v: Visit;
afterEach(() => v.close());

const LONG = 'many words '.repeat(3100);
const kept = (): number => v.count('SELECT coalesce(sum(length(box)), 0) FROM texts');

describe('what a stranger writes', () => {
  it('is judged before it is kept: three hundred messages of 34 kB leave next to nothing', async () => {
    v = await visit({ env: { LIMIT_COMMANDS_BURST: '10' } });
    for (let n = 0; n < 300; n++) await v.guest.say(`${n} ${LONG}`);
    await v.pass(2);
    expect(kept()).toBeLessThan(20_000);
    expect(v.count('SELECT count(*) FROM inbox')).toBeLessThan(20);
    expect((await v.news()).length).toBeLessThan(5);
    const other = await v.house.guest();
    await other.say('job Why is the sky blue?');
    await v.pass(3);
    expect(other.heard.some((text) => text.startsWith('lnbcrt'))).toBe(true);
  });

  it('too long is told, in the words of who wrote it', async () => {
    v = await visit();
    await v.guest.say(LONG);
    expect((await v.news()).join()).toContain('8000 characters at most');
    const params = { request: 'x'.repeat(40_000) };
    await v.guest.say(JSON.stringify({ jsonrpc: '2.0', id: 'mine', method: 'job.create', params }));
    const [answer] = await v.news();
    expect(JSON.parse(answer ?? '')).toMatchObject({ id: 'mine', error: { code: -32004 } });
    expect(kept()).toBeLessThan(2000);
  });

  it('fills an eighth of the room of this hour at most, and others have theirs', async () => {
    v = await visit({
      env: { LIMIT_STORE_MB_PER_HOUR: '1', LIMIT_COMMANDS_BURST: '1000', LIMIT_NEW_PER_HOUR: '1000' },
    });
    for (let n = 0; n < 40; n++) await v.guest.say(`${n} ${'seven k '.repeat(900)}`);
    await v.pass(2);
    expect((await v.news()).join()).toContain('could not keep your message');
    expect(v.count(`SELECT count(*) FROM inbox WHERE shed = 'no_room'`)).toBeGreaterThan(10);
    const other = await v.house.guest();
    await other.say('job Why is the sky blue?');
    await v.pass(3);
    expect(other.heard.some((text) => text.startsWith('lnbcrt'))).toBe(true);
  });
});

describe('a disk that is nearly full', () => {
  it('stops sales and intake, told once, and takes them up again by itself', async () => {
    let freeMb = 100_000;
    v = await visit({ freeBytes: () => freeMb * 1e6, env: { TIMMY_OPERATOR_NPUBS: '' } });
    await v.guest.say('job Why is the sky blue?');
    await v.pass(2);
    const invoice = v.guest.heard.find((text) => text.startsWith('lnbcrt')) ?? '';
    freeMb = 400;
    await v.pass(11);
    // What relays have they keep; money is seen, and paid work done.
    await expect(v.guest.say('status')).rejects.toThrow('inbox.no_room');
    await v.news();
    await v.pay(invoice);
    await v.pass(5);
    expect((await v.news()).join()).toMatch(/Paid/);
    freeMb = 520;
    await v.pass(11);
    await expect(v.guest.say('status')).rejects.toThrow('inbox.no_room');
    freeMb = 600;
    await v.pass(11);
    await v.guest.say('job Why is the grass green?');
    await v.pass(3);
    expect((await v.news()).join()).toContain('<invoice for');
    expect(v.broken()).toEqual([]);
  });
});

describe('the same again and again', () => {
  it('is answered so often, told once to slow down, and then not', async () => {
    v = await visit();
    for (let n = 0; n < 60; n++)
      for (const word of ['paid', 'refund', 'status']) await v.guest.say(`${word}${' '.repeat(n)}`);
    await v.pass(2);
    const heard = await v.news();
    expect(heard.length).toBeLessThan(20);
    expect(heard.filter((text) => text.startsWith('Slow down'))).toHaveLength(1);
    const other = await v.house.guest();
    await other.say('status');
    await v.pass(1);
    expect(other.heard).toHaveLength(1);
  });

  it('and who slows down is answered again, as often as is said', async () => {
    v = await visit();
    for (let n = 0; n < 12; n++) await v.guest.say(`quote number ${n} of my questions`);
    await v.news();
    for (let n = 0; n < 10; n++) {
      await v.pass(21);
      await v.guest.say(`quote another number ${n} of my questions`);
    }
    const heard = await v.news();
    expect(heard).toHaveLength(10);
    expect(heard.filter((text) => text.startsWith('Slow down'))).toEqual([]);
  });

  it('by a program: one -32003 with its time, then silence', async () => {
    v = await visit();
    for (let id = 0; id < 40; id++) await v.guest.say(JSON.stringify({ jsonrpc: '2.0', id, method: 'account.get' }));
    await v.pass(2);
    const answers = (await v.news()).map((text) => JSON.parse(text) as { error?: { code: number; data: object } });
    const refused = answers.filter(({ error }) => error !== undefined);
    expect(answers.length).toBeLessThan(14);
    expect(refused).toMatchObject([{ error: { code: -32003, data: { retry_after: expect.any(Number) as number } } }]);
  });

  it.each(['hi', 'job Why is the sky blue?', 'pay me lnbc1'])(
    'two Timmys that write to each other fall silent after %s: at most ten messages in thirty days',
    async (first) => {
      v = await visit();
      const other = await visit({ clock: v.clock, env: { EVAL_FEE_SATS: '21' } });
      const sides = [
        { from: v, to: other, read: 0 },
        { from: other, to: v, read: 0 },
      ];
      await v.guest.say(first);
      const pass = async (seconds: number): Promise<void> => {
        await v.pass(seconds);
        for (const side of sides) {
          const fresh = side.from.guest.heard.slice(side.read);
          side.read += fresh.length;
          for (const text of fresh) await side.to.guest.say(text);
        }
      };
      // As fast as it goes, then for days.
      for (let turn = 0; turn < 60; turn++) await pass(21);
      for (let day = 0; day < 30; day++) {
        v.clock.advance(86_400_000);
        await pass(2);
      }
      const said = [...v.guest.heard, ...other.guest.heard];
      await other.close();
      expect(said.length, said.join('\n')).toBeLessThanOrEqual(10);
    },
  );

  it('an echo of all that is said ends, and the same request is answered thrice in an hour until something is paid', async () => {
    v = await visit();
    await v.guest.say('hi');
    let read = 0;
    for (let turn = 0; turn < 30; turn++) {
      await v.pass(21);
      const fresh = v.guest.heard.slice(read);
      read += fresh.length;
      for (const text of fresh) await v.guest.say(text);
    }
    expect(v.guest.heard.length).toBeLessThanOrEqual(3);
    const other = await v.house.guest();
    const ask = async (): Promise<number> => {
      const before = other.heard.length;
      await other.say('Why is the sky blue, and the grass green?');
      await v.pass(60);
      return other.heard.length - before;
    };
    const heard: number[] = [];
    for (let n = 0; n < 5; n++) heard.push(await ask());
    // The fourth time that is said, and then nothing.
    expect(heard.map((count) => count > 0)).toEqual([true, true, true, true, false]);
    expect(other.heard.at(-1)).toMatch(/^You asked that three times within the hour/);
    v.clock.advance(3_600_000);
    expect(await ask()).toBeGreaterThan(0);
  });
});
