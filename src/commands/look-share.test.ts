import { expect, it } from 'vitest';
import { createHandClock } from '../../test/fakes/hand-clock.ts';
import { createLookShare } from './look-share.ts';

it('asks the wallet ten times a minute for one npub, 120 for all, whoever says paid how often', () => {
  const clock = createHandClock();
  const share = createLookShare(clock);
  const taken = (pubkey: string): number => Array.from({ length: 60 }, () => share.take(pubkey)).filter(Boolean).length;
  expect(taken('a')).toBe(10);
  const others = Array.from({ length: 20 }, (_, n) => taken(`b${n}`));
  expect(others.reduce((sum, n) => sum + n, 0)).toBe(110);
  clock.advance(60_000);
  expect(taken('a')).toBe(10);
});
