import { createLnbitsWallet } from '../../../src/adapters/lnbits/index.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { Secret } from '../../../src/lib/secret.ts';
import { sats } from '../../../src/lib/units.ts';
import { machineClock, machineRng, walletContract, type OpenedWallet } from '../../contracts/wallet.ts';
import { startRealLnbits } from './server.ts';

async function onRealLnbits(singleKey: boolean): Promise<OpenedWallet> {
  const lnbits = await startRealLnbits();
  const ours = await lnbits.addWallet('Timmy', 100_000);
  const theirs = await lnbits.addWallet('Customer', 100_000);
  const open = (wallet: typeof ours, oneKey: boolean): OpenedWallet['wallet'] =>
    createLnbitsWallet({
      url: lnbits.url,
      invoiceKey: new Secret(oneKey ? wallet.adminkey : wallet.inkey),
      adminKey: oneKey ? null : new Secret(wallet.adminkey),
      network: 'bitcoin',
      clock: machineClock,
      rng: machineRng,
      log: silentLog,
      callsPerSecond: 1000,
    });
  // FakeWallet pays nobody outside; a second wallet of the same instance is somebody else.
  const customer = open(theirs, false);
  const signal = (): AbortSignal => AbortSignal.timeout(60_000);
  return {
    wallet: open(ours, singleKey),
    network: 'bitcoin',
    payInvoice: async (bolt11) => {
      const answer = await customer.pay(bolt11, '', signal());
      if (answer.answer !== 'accepted') throw new Error(`not paid: ${answer.why}`);
    },
    foreignInvoice: async (amountSats) => {
      const request = { amountSats: sats(amountSats), description: 'change', expirySeconds: 3600, intentId: 'x' };
      return (await customer.createInvoice(request, signal())).bolt11;
    },
    close: () => lnbits.stop(),
  };
}

walletContract('LNbits (real), two keys', () => onRealLnbits(false));
walletContract('LNbits (real), one admin key', () => onRealLnbits(true));
