import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bech32 } from '@scure/base';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../builders/node-agent.ts';
import { Btcd, LightningNode, type Terminal } from './lightning.ts';

/** Nobody has its key. */
const NOBODY = bech32.encode('sb', [0, ...bech32.toWords(new Uint8Array(20))]);

const btcd = new Btcd();
const nodes: LightningNode[] = [];
beforeAll(() => btcd.start());
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.remove();
});
afterAll(() => btcd.remove());

async function machine(): Promise<LightningNode> {
  const node = await LightningNode.make(btcd);
  nodes.push(node);
  node.chainIs(false);
  return node;
}

/** Copies the words from the screen, and answers what is asked of them. */
async function writeDown(terminal: Terminal): Promise<readonly string[]> {
  await terminal.shows(/24 words/);
  const asked = await terminal.shows(/Word (\d+): /);
  const words = [...terminal.shown.matchAll(/(?<= |^)(\d{1,2})\. ([a-z]+)/gm)]
    .sort((one, other) => Number(one[1]) - Number(other[1]))
    .map(([, , word]) => word!);
  expect(words).toHaveLength(24);
  terminal.type('nonsense');
  await terminal.shows(/That is not it/);
  terminal.type(words[Number((await terminal.shows(/Word (\d+): /))[1]) - 1]!);
  for (let more = 0; more < 2; more++) terminal.type(words[Number((await terminal.shows(/Word (\d+): /))[1]) - 1]!);
  expect(asked).toBeTruthy();
  return words;
}

const stateOf = async (node: LightningNode): Promise<string | undefined> => (await node.lnd('/v1/state')).json['state'];

describe('lnd-init', () => {
  it('waits for the sync, unless told otherwise', async () => {
    const node = await machine();
    node.chainIs(true);
    const { status, stderr } = node.run('lnd-init');
    expect(status).toBe(1);
    expect(stderr).toMatch(/not synced yet/);
  });

  it('makes one wallet whatever breaks off, tells nobody its words, and gives LNbits no hand in its coins', async () => {
    const node = await machine();

    // The line breaks before the words are confirmed: nothing was made.
    const first = node.atTerminal('lnd-init');
    await first.shows(/Word \d+: /);
    await first.hangUp();
    expect(await stateOf(node)).toBe('NON_EXISTING');

    const terminal = node.atTerminal('lnd-init');
    const words = await writeDown(terminal);
    await terminal.shows(/Lightning is up/);
    expect(await terminal.ends()).toBe(0);
    expect(await stateOf(node)).toMatch(/_ACTIVE$/);
    expect(node.hasUfwAllowed('9735/tcp')).toBe(true);

    // The words are on paper alone.
    const phrase = new RegExp(words.slice(0, 4).join('\\W{1,4}'));
    for (const file of readdirSync(node.root, { recursive: true, encoding: 'utf8' }).filter((name) =>
      statSync(join(node.root, name)).isFile(),
    ))
      expect(phrase.test(readFileSync(join(node.root, file), 'latin1')), file).toBe(false);
    expect(phrase.test(node.log('lnd') + node.log('lnbits'))).toBe(false);
    expect(statSync(join(node.root, 'var/lib/lnd/wallet-password')).mode & 0o777).toBe(0o600);

    // What LNbits was given makes invoices and sends no coins.
    const { lnbitsMacaroon, adminMacaroon } = node;
    expect((await node.lnd('/v1/balance/channels', lnbitsMacaroon)).status).toBe(200);
    expect((await node.lnd('/v1/newaddress', adminMacaroon)).status).toBe(200);
    for (const path of ['/v1/newaddress', '/v1/balance/blockchain']) {
      const { status, json } = await node.lnd(path, lnbitsMacaroon);
      expect([status, json['message']], path).toEqual([500, 'permission denied']);
    }
    const health = await fetch(`${node.lnbitsUrl}/api/v1/health`);
    expect(health.status).toBe(200);
    if (process.env['NODE_LNBITS'] !== undefined) expect(node.log('lnbits')).toMatch(/LndRestWallet/);

    // The machine restarts: the wallet opens by itself. Run again, it changes nothing.
    await node.stop('lnd');
    const conf = readFileSync(join(node.root, 'var/lib/lnd/lnd.conf'), 'utf8');
    expect(node.run('lnd-init').status).toBe(0);
    expect(readFileSync(join(node.root, 'var/lib/lnd/lnd.conf'), 'utf8')).toBe(conf);
    expect(node.lnbitsMacaroon).toBe(lnbitsMacaroon);
    const { json } = await node.lnd('/v1/getinfo', adminMacaroon);
    const pubkey = json['identity_pubkey'];
    expect(pubkey).toMatch(/^0[23]/);

    // The same words on another machine are the same wallet.
    const other = await machine();
    const restoring = other.atTerminal('lnd-init --restore');
    await restoring.shows(/Type your 24 words/);
    restoring.type(words.join(' '));
    await restoring.shows(/Lightning is up/);
    expect(await restoring.ends()).toBe(0);
    expect(restoring.shown).not.toContain(words.slice(0, 2).join(' '));
    const restored = (await other.lnd('/v1/getinfo', other.adminMacaroon)).json;
    expect(restored['identity_pubkey']).toBe(pubkey);
  });

  it('refuses words that are none', async () => {
    const node = await machine();
    const terminal = node.atTerminal('lnd-init --restore');
    await terminal.shows(/Type your 24 words/);
    terminal.type('not enough of them');
    await terminal.shows(/no wallet was made/);
    expect(await terminal.ends()).toBe(1);
    expect(await stateOf(node)).toBe('NON_EXISTING');
  });
});

describe('timmy-sweep', () => {
  it('is off, then says what it would do, does it once a day, and leaves what is to stay', async () => {
    const node = await machine();
    const terminal = node.atTerminal('lnd-init');
    await writeDown(terminal);
    await terminal.shows(/Lightning is up/);
    expect(node.run('timmy-sweep', '--send').stdout).toMatch(/^Off/);

    // Coins of three blocks, and a hundred on top of them, of somebody else’s, so that they may be spent.
    const address = async (): Promise<string> =>
      (await node.lnd('/v1/newaddress', node.adminMacaroon)).json['address']!;
    const mine = await address();
    await btcd.stop();
    await btcd.start(mine);
    await btcd.call('generate', 3);
    await btcd.stop();
    await btcd.start(NOBODY);
    await btcd.call('generate', 320); // SegWit begins at 300
    const balance = async (): Promise<number> =>
      Number((await node.lnd('/v1/balance/blockchain', node.adminMacaroon)).json['confirmed_balance']);
    // Without its chain LND may have ended; a machine starts it again.
    await until('coins', async () => {
      spawnSync(`${node.env['PATH']?.split(':')[0]}/docker`, ['compose', 'up', '--detach', 'lnd'], { env: node.env });
      return (await balance().catch(() => 0)) === 3 * 5_000_000_000;
    });

    // Its view of the chain's tip is of before btcd was away, until a block comes.
    await btcd.call('generate', 1);
    const tip = String(await btcd.call('getblockcount'));
    await until(
      'the tip',
      async () => String((await node.lnd('/v1/getinfo', node.adminMacaroon)).json['block_height']) === tip,
    );

    const target = await address();
    const wish = { enabled: true, address: target, keep_sats: 100_000, least_sats: 50_000, sat_per_vbyte: 5 };
    const write = (more: object): void =>
      writeFileSync(join(node.root, 'etc/timmy/sweep.json'), JSON.stringify({ ...wish, ...more }));
    for (const wrong of [
      { address: 'sb1q; reboot' },
      { keep_sats: -1 },
      { sat_per_vbyte: 5000 },
      { least_sats: '1' },
    ]) {
      write(wrong);
      expect(node.run('timmy-sweep', '--send').status, JSON.stringify(wrong)).toBe(1);
    }
    write({ keep_sats: 10 ** 14 });
    const nothing = node.run('timmy-sweep', '--send');
    expect(nothing.stdout, nothing.stderr).toMatch(/^Nothing to do/);
    write({});
    const before = await balance();
    expect(node.run('timmy-sweep').stdout).toBe(
      `Would send ${before - 100_000} of ${before} sats to ${target} at 5 sat/vB: timmy-sweep --send\n`,
    );
    expect(await balance()).toBe(before);
    const sent = node.run('timmy-sweep', '--send');
    expect(sent.stdout, sent.stderr).toMatch(
      new RegExp(`^Sent ${before - 100_000} sats to ${target}: [0-9a-f]{64}\n$`),
    );
    expect(node.run('timmy-sweep', '--send').stdout).toBe('Done already today.\n');
  });
});
