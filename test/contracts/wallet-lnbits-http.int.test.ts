import { startFakeLnbits, type Profile } from '../fakes/lnbits/index.ts';
import { lnbitsHttpContract, type LnbitsUnderTest } from './wallet-lnbits-http.ts';

async function fake(profile: Profile): Promise<LnbitsUnderTest> {
  const server = await startFakeLnbits({ profile, fundSats: 50_000 });
  const theirs = server.addWallet('Customer', 50_000);
  return { url: server.url, profile, ours: server.wallet, theirs, close: () => server.stop() };
}

lnbitsHttpContract('the fake LNbits 1.5', () => fake('1.5'));
lnbitsHttpContract('the fake LNbits 1.6', () => fake('1.6'));
