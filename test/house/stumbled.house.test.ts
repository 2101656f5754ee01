import { afterEach, expect, it } from 'vitest';
import type { LnurlPay } from '../../src/ports/lnurl.ts';
import { settled } from '../builders/fresh-database.ts';
import { createHandClock } from '../fakes/hand-clock.ts';
import { visit, type Visit } from './visit.ts';

let v: Visit;
afterEach(async () => {
  expect(v.broken()).toEqual([]);
  await v.close();
});

const clock = createHandClock();
const lnurl: LnurlPay = {
  resolve: () => Promise.resolve(),
  invoice: () => Promise.reject(new TypeError('a bug of ours')),
};

async function minutes(count: number): Promise<void> {
  for (let minute = 0; minute < count; minute++) {
    clock.advance(60_000);
    for (let turn = 0; turn < 6; turn++) await settled();
  }
}

it('a word that cannot be carried out for a bug is answered in the end, and holds up no other word', async () => {
  v = await visit({ clock, lnurl, env: { REFUND_ASK_MIN_SATS: '2' } });
  await v.guest.say('Why is the sky blue? Explain it to a child.');
  await v.pass(1);
  await v.pay(v.guest.heard.at(-1) ?? '');
  await v.pay(v.guest.heard.at(-1) ?? '');
  await v.news();
  await v.guest.say('refund me@pay.example');
  await v.guest.say('status');
  expect(await v.news()).toEqual([expect.stringMatching(/^Nothing is open|J-XXXXX/)]);
  await minutes(60);
  expect(await v.news()).toEqual([
    'Something broke on my side, so I cannot do what you asked. Your money is where it was; a person looks at it.',
  ]);
  expect(v.count(`SELECT count(*) FROM tasks WHERE state = 'dead' AND kind = 'refund.resolve'`)).toBe(1);
});
