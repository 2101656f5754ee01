import { expect, it } from 'vitest';
import { systemClock } from './system.ts';

it('this system has an uptime, which a sleep is told by', () => {
  expect(systemClock.uptimeMs?.()).toBeGreaterThan(0);
});
