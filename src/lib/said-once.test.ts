import { expect, it } from 'vitest';
import { createHandClock } from '../../test/fakes/hand-clock.ts';
import { silentLog } from './log.ts';
import { sayOnce } from './said-once.ts';

it('an outage is said once, and its end once, each by its key', () => {
  const said: unknown[] = [];
  const clock = createHandClock();
  const log = {
    ...silentLog,
    warn: (event: string) => said.push(event),
    info: (...line: unknown[]) => said.push(line),
  };
  const outages = sayOnce({ clock, log }, 'source.away', 'source.back');
  outages.works('a', {});
  for (let n = 0; n < 5; n++) outages.fails('a', {});
  outages.fails('b', {});
  clock.advance(15_000);
  outages.works('a', { source: 'a' });
  outages.works('a', { source: 'a' });
  expect(said).toEqual(['source.away', 'source.away', ['source.back', { source: 'a', seconds: 15 }]]);
});
