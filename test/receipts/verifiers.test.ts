import { describe, expect, it } from 'vitest';
import type { NostrEvent } from '../../src/nostr/event.ts';
import { verifyChain, verifyReceipt } from '../../src/receipts/index.ts';
import { allCases, trueReceipts } from './cases.ts';
import { chainOf, GOOD, HOLDING } from './chains.ts';
import { forge, mutate, seeded, type Pick } from './mutants.ts';
import { refusalOf, refusalOfChain } from './second-verifier.mjs';

type Content = Record<string, unknown>;
const contentOf = ({ content }: NostrEvent): Content => JSON.parse(content) as Content;

/** What both say, and that they say the same. */
function agreedOn(event: NostrEvent): boolean {
  const [ours, theirs] = [verifyReceipt(event), refusalOf(event)];
  expect(theirs === null, `${event.content}\nours: ${ours.join(' ')}\ntheirs: ${theirs}`).toBe(ours.length === 0);
  return theirs === null;
}

function agreedOnChain(events: readonly NostrEvent[], how: string): boolean {
  const [ours, theirs] = [verifyChain(events), refusalOfChain(events)];
  const said = events.map(({ content }) => content).join('\n');
  expect(theirs === null, `${how}\n${said}\nours: ${ours.join(' ')}\ntheirs: ${theirs}`).toBe(ours.length === 0);
  return theirs === null;
}

describe('a verifier written from the page alone', () => {
  it('says of every case in the table what timmy verify says', async () => {
    const cases = await allCases((event) => verifyReceipt(event).length === 0);
    for (const { name, chain, holds, events } of cases) {
      const ours = chain ? verifyChain(events) : verifyReceipt(events[0]);
      const theirs = chain ? refusalOfChain(events) : refusalOf(events[0]);
      expect([ours.length === 0, theirs === null], `${name}: ${ours.join(' ')} ${theirs}`).toEqual([holds, holds]);
    }
    const lines = cases.map((one) => JSON.stringify(one)).join('\n');
    await expect(`${lines}\n`).toMatchFileSnapshot('cases.jsonl');
  }, 60_000);

  it('agrees on mutants of one receipt', async () => {
    const receipts = (await trueReceipts()).map(([, event]) => event);
    const contents = receipts.map(contentOf);
    const pick = seeded(20_261_127);
    let held = 0;
    for (let n = 0; n < 250; n++) {
      const which = pick(receipts.length);
      const mutant = await forge(receipts[which]!, mutate(contents[which]!, contents, pick));
      if (agreedOn(mutant)) held++;
    }
    expect(held).toBeGreaterThan(40);
  }, 60_000);

  it('agrees on mutants of chains', async () => {
    const chains = await Promise.all([GOOD, ...HOLDING.map(([, links]) => links)].map((links) => chainOf(links)));
    const contents = chains.flat().map(contentOf);
    const pick = seeded(7);
    let held = 0;
    for (let n = 0; n < 120; n++) {
      const mutant = await mutantChain(chains[pick(chains.length)]!, contents, pick);
      if (agreedOnChain(mutant, `chain ${n}`)) held++;
    }
    expect(held).toBeGreaterThan(15);
  }, 60_000);
});

/** A chain in which one receipt says something else, or stands elsewhere; mostly linked and signed again. */
async function mutantChain(
  chain: readonly NostrEvent[],
  contents: readonly Content[],
  pick: Pick,
): Promise<NostrEvent[]> {
  const events = [...chain];
  const at = pick(events.length);
  const own = events.map(contentOf);
  switch (pick(5)) {
    case 0:
      own.splice(at, 1);
      break;
    case 1:
      own.splice(at, 0, contents[pick(contents.length)]!);
      break;
    case 2:
      [own[at], own[0]] = [own[0]!, own[at]!];
      break;
    default:
      own[at] = mutate(own[at]!, contents, pick);
  }
  if (pick(12) === 0) return events.reverse();
  const linked: NostrEvent[] = [];
  for (const content of own) linked.push(await forge(chain[0]!, { ...content, previous: linked.at(-1)?.id ?? null }));
  return linked;
}
