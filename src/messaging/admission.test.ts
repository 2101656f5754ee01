import { expect, it } from 'vitest';
import { freshDatabase } from '../../test/builders/fresh-database.ts';
import { createHandClock } from '../../test/fakes/hand-clock.ts';
import type { RateLimits } from '../customers/index.ts';
import { createAdmission } from './admission.ts';

const database = freshDatabase();
const TEXT = 'x'.repeat(8000);
const noLimits = { takeCommand: () => ({ pass: true }) } as unknown as RateLimits;

/** A shop with room for 8 MB an hour, where `paid` has paid before. */
function open(clock = createHandClock()): (sender: string, text?: string) => boolean {
  const admit = createAdmission({
    clock,
    limits: noLimits,
    messageChars: 8000,
    rpcBytes: 32_768,
    hasPaid: (_reader, sender) => sender === 'paid',
    bytesPerHour: 8_000_000,
  });
  return (sender, text = TEXT) => admit(database.read, sender, text).keeps;
}

/** How many bytes of texts this sender gets kept. */
function fill(says: (sender: string) => boolean, sender: string): number {
  let bytes = 0;
  while (bytes < 9_000_000 && says(sender)) bytes += TEXT.length;
  return bytes;
}

it('one sender takes an eighth of the room, who has paid twice that', () => {
  const says = open();
  expect(fill(says, 'a')).toBe(1_000_000);
  expect(fill(says, 'paid')).toBe(2_000_000);
});

it('the eight that take all they can leave room for others, and in all it is never more than the room', () => {
  const says = open();
  const taken = Array.from({ length: 30 }, (_, n) => fill(says, `key${n}`));
  expect(taken.every((bytes, n) => n === 0 || bytes <= (taken[n - 1] ?? 0))).toBe(true);
  expect(taken.reduce((sum, bytes) => sum + bytes)).toBeLessThanOrEqual(8_000_000);
  expect(says('somebody new')).toBe(true);
});

it('who has paid is kept while strangers have filled the room, up to twice a share', () => {
  const says = open();
  for (let n = 0; n < 300; n++) fill(says, `key${n}`);
  expect(says('somebody new')).toBe(false);
  expect(fill(says, 'paid')).toBe(2_000_000);
});

it('an hour later there is room again', () => {
  const clock = createHandClock();
  const says = open(clock);
  for (let n = 0; n < 300; n++) fill(says, `key${n}`);
  clock.advance(3_600_000);
  expect(says('somebody new')).toBe(true);
});
