import { describe, expect, it } from 'vitest';
import { newsFor } from './news.ts';
import type { NodeFile } from './node-file.ts';
import type { Snapshot } from './services/services.ts';
import { ailmentsOf, nowUp, Watch, type Trouble } from './watch.ts';

const NEVER = { bitcoind: false, lnd: false, lnbits: false };
const ALWAYS = { bitcoind: true, lnd: true, lnbits: true };

const up = (change: object = {}): Snapshot['bitcoind'] => ({
  ...{ state: 'up' as const, version: 'Satoshi:31.0.0', chain: 'main', height: 10, headers: 100, progressPpm: 1_000 },
  ...{ synced: false, peers: 8, isWrongChain: false },
  ...change,
});
const snapshot = (change: Partial<Snapshot> = {}): Snapshot => ({
  ...{ bitcoind: up(), lnd: null, lnbits: false, disk: { freeMb: 50_000, totalMb: 160_000 }, isClockSet: true },
  ...change,
});
const ailments = (change: Partial<Snapshot>, more: object = {}): Trouble[] => [
  ...ailmentsOf(snapshot(change), { everUp: NEVER, isSetUp: true, was: [], ...more }),
];

describe('what ails a node', () => {
  it('is nothing while it is being set up', () => {
    expect(ailments({ bitcoind: { state: 'down' } }, { isSetUp: false })).toEqual([]);
    expect(ailments({ bitcoind: { state: 'down' } })).toEqual(['bitcoind_down']);
    expect(ailments({ bitcoind: { state: 'starting' } })).toEqual([]);
  });

  it('is the absence of what was there once', () => {
    expect(ailments({}, { everUp: ALWAYS })).toEqual(['lnd_down', 'lnbits_down']);
    expect(nowUp(NEVER, snapshot({ lnd: 'NON_EXISTING' })).lnd).toBe(false);
    expect(nowUp(NEVER, snapshot({ lnd: 'RPC_ACTIVE' })).lnd).toBe(true);
  });

  it('is another chain, a full disk, no peers, a clock that nobody set', () => {
    expect(ailments({ bitcoind: up({ isWrongChain: true }) })).toEqual(['wrong_chain']);
    expect(ailments({ bitcoind: up({ chain: 'signet' }) })).toEqual(['wrong_chain']);
    expect(ailments({ bitcoind: up({ peers: 0 }) })).toEqual(['no_peers']);
    expect(ailments({ disk: { freeMb: 7_999, totalMb: 160_000 } })).toEqual(['disk_low']);
    expect(ailments({ disk: { freeMb: 9_000, totalMb: 160_000 } })).toEqual([]);
    expect(ailments({ disk: { freeMb: 9_000, totalMb: 160_000 } }, { was: ['disk_low'] })).toEqual(['disk_low']);
    expect(ailments({ isClockSet: false })).toEqual(['clock']);
  });

  it('is believed after some looks, and over after two', () => {
    const watch = new Watch([]);
    const down = new Set<Trouble>(['bitcoind_down']);
    expect([
      watch.after(down),
      watch.after(down),
      watch.after(new Set()),
      watch.after(down),
      watch.after(down),
    ]).toEqual([[], [], [], [], []]);
    expect(watch.after(down)).toEqual(['bitcoind_down']);
    expect(watch.after(new Set())).toEqual(['bitcoind_down']);
    expect(watch.after(new Set())).toEqual([]);
  });

  it('goes on across lives', () => expect(new Watch(['disk_low', 'of another version']).now).toEqual(['disk_low']));
});

describe('news', () => {
  const node = { order: 'B-4KQ7M', voice: 'words', stub: false } as NodeFile;
  const untold = { percent: 0, synced: false, trouble: [] };

  it('says each milestone once, and a jump as its last', () => {
    const first = newsFor(node, untold, snapshot({ bitcoind: up({ progressPpm: 600_000, height: 5 }) }), []);
    expect(first.texts).toEqual(['50 % of the chain is verified: block 5 of 100.']);
    expect(newsFor(node, first.told, snapshot({ bitcoind: up({ progressPpm: 610_000 }) }), []).texts).toEqual([]);
    const synced = newsFor(node, first.told, snapshot({ bitcoind: up({ synced: true }) }), []);
    expect(synced.texts).toHaveLength(1);
    expect(synced.texts[0]).toMatch(/^Synced/);
    // A node that falls behind for an hour and comes back says nothing again.
    expect(newsFor(node, synced.told, snapshot({ bitcoind: up({ progressPpm: 999_000 }) }), []).texts).toEqual([]);
  });

  it('says no progress on another chain', () => {
    const { texts } = newsFor(node, untold, snapshot({ bitcoind: up({ synced: true, isWrongChain: true }) }), [
      'wrong_chain',
    ]);
    expect(texts).toHaveLength(1);
    expect(texts[0]).toMatch(/wrong chain/);
  });

  it('says trouble and its end once, to programs as notifications', () => {
    const low = snapshot({ disk: { freeMb: 900, totalMb: 160_000 } });
    const begun = newsFor(node, untold, low, ['disk_low']);
    expect(begun.texts).toEqual(['Trouble: the disk is nearly full (900 MB left).']);
    expect(newsFor(node, begun.told, low, ['disk_low']).texts).toEqual([]);
    const over = newsFor({ ...node, voice: 'rpc' }, begun.told, snapshot(), []);
    expect(over.texts.map((text) => JSON.parse(text) as unknown)).toEqual([
      {
        jsonrpc: '2.0',
        method: 'node.updated',
        params: { order: 'B-4KQ7M', event: 'trouble_over', trouble: 'disk_low' },
      },
    ]);
  });
});
