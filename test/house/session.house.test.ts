import { afterEach, describe, expect, it } from 'vitest';
import { visit, type Visit } from './visit.ts';
import { createSlowAgent } from './visit.ts';

let v: Visit;
afterEach(async () => {
  expect(v.broken()).toEqual([]);
  await v.close();
});

const invoiceOf = (heard: readonly string[]): string => heard.filter((text) => /^lnbc/.test(text)).at(-1) ?? '';

async function openedSession(sats = 500): Promise<void> {
  await v.guest.say(`session ${sats}`);
  await v.pass(1);
  await v.pay(invoiceOf(v.guest.heard));
  await v.news();
}

describe('a session in words', () => {
  it('is paid once and asked many times', async () => {
    v = await visit();
    await v.guest.say('session');
    console.log(await v.news());
    await v.guest.say('session 500');
    await v.pass(1);
    console.log(await v.news());
    await v.pay(invoiceOf(v.guest.heard));
    console.log(await v.news());
    await v.guest.say('Why is the sky blue?');
    await v.pass(2);
    console.log(await v.news());
    await v.guest.say('And the grass?');
    await v.pass(2);
    console.log(await v.news());
    await v.guest.say('balance');
    await v.guest.say('status');
    await v.pass(2);
    console.log(await v.news());
    await v.guest.say('And please reject this?');
    await v.pass(2);
    console.log(await v.news());
    await v.guest.say('And the sea?');
    await v.pass(2);
    console.log(await v.news());
    await v.guest.say('And the moon?');
    await v.pass(2);
    console.log(await v.news());
    await v.pay(invoiceOf(v.guest.heard));
    await v.pass(2);
    console.log(await v.news());
    await v.guest.say('token');
    await v.pass(2);
    console.log(await v.news());
    await v.guest.say('close');
    await v.pass(2);
    console.log(await v.news());
    await v.guest.say('Why is the moon round?');
    await v.pass(2);
    console.log(await v.news());
    await v.guest.say('session');
    await v.pass(2);
    console.log(await v.news());
  });
});
void createSlowAgent;
void openedSession;
