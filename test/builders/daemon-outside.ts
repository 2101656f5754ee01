import { startDevRelay } from '../../src/dev-relay/index.ts';
import { startFakeAnthropic, type FakeAnthropic } from '../fakes/anthropic.ts';
import { startFakeLnbits, type FakeLnbits } from '../fakes/lnbits/index.ts';
import { startFakePrice } from '../fakes/price.ts';
import { Daemon } from './daemon.ts';

/** The answer of the model in these suites: far shorter than what is quoted, so that there is change. */
export const ANSWER = 'The sky scatters blue light more than red.';

/** All that a daemon talks to, on loopback: the customers' relays, LNbits with its node, the model, the price. */
export interface Outside {
  readonly relays: readonly string[];
  readonly lnbits: FakeLnbits;
  readonly anthropic: FakeAnthropic;
  /** A daemon in this world, not yet started. Closed with it. */
  daemon(settings?: Readonly<Record<string, string>>): Daemon;
  close(): Promise<void>;
}

/** @param relays others' relays; none: one of ours is started. */
export async function openOutside(relays: readonly string[] = []): Promise<Outside> {
  const own = relays.length === 0 ? await startDevRelay({ port: 0 }) : null;
  const urls = own === null ? relays : [own.url];
  const [lnbits, anthropic, price] = await Promise.all([startFakeLnbits(), startFakeAnthropic(), startFakePrice()]);
  lnbits.oracle.strictKeys = true;
  anthropic.always('work', { do: 'answer', text: ANSWER });
  const daemons: Daemon[] = [];
  return {
    relays: urls,
    lnbits,
    anthropic,
    daemon: (settings = {}) => {
      const daemon = new Daemon({
        TIMMY_RELAYS: urls.join(','),
        TIMMY_DISCOVERY_RELAYS: urls.join(','),
        LNBITS_URL: lnbits.url,
        LNBITS_API_KEY: lnbits.wallet.inkey,
        LNBITS_ADMIN_KEY: lnbits.wallet.adminkey,
        ANTHROPIC_API_KEY: 'sk-ant-of-the-fake',
        ANTHROPIC_BASE_URL: anthropic.url,
        BTC_PRICE_URL: price.url,
        LIMIT_COMMANDS_BURST: '100',
        TIMMY_LOG_LEVEL: 'debug',
        ...settings,
      });
      daemons.push(daemon);
      return daemon;
    },
    close: async () => {
      await Promise.all(daemons.map((daemon) => daemon.destroy()));
      await Promise.all([lnbits.stop(), anthropic.close(), price.close(), own?.close()]);
    },
  };
}
