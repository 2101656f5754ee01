import { lnbitsHttpContract } from '../../contracts/wallet-lnbits-http.ts';
import { startRealLnbits } from './server.ts';

lnbitsHttpContract('a real LNbits', async () => {
  const lnbits = await startRealLnbits();
  const ours = await lnbits.addWallet('Timmy', 50_000);
  const theirs = await lnbits.addWallet('Customer', 50_000);
  return { url: lnbits.url, profile: lnbits.profile, ours, theirs, close: () => lnbits.stop() };
});
