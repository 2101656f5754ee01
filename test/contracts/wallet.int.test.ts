import { createStubWallet, payStubInvoice } from '../../src/adapters/stubs/wallet/index.ts';
import { encodeInvoice } from '../../src/bolt11/index.ts';
import { migrate, openDatabase } from '../../src/db/index.ts';
import { sats } from '../../src/lib/units.ts';
import { createLnbitsWallet } from '../../src/adapters/lnbits/index.ts';
import { silentLog } from '../../src/lib/log.ts';
import { Secret } from '../../src/lib/secret.ts';
import { startFakeLnbits, type Profile } from '../fakes/lnbits/index.ts';
import { machineClock, machineRng, walletContract, type OpenedWallet } from './wallet.ts';

async function onFake(profile: Profile, singleKey: boolean): Promise<OpenedWallet> {
  const fake = await startFakeLnbits({ profile });
  fake.oracle.strictKeys = !singleKey;
  const wallet = createLnbitsWallet({
    url: fake.url,
    invoiceKey: new Secret(singleKey ? fake.wallet.adminkey : fake.wallet.inkey),
    adminKey: singleKey ? null : new Secret(fake.wallet.adminkey),
    network: 'bitcoin',
    clock: machineClock,
    rng: machineRng,
    log: silentLog,
    callsPerSecond: 1000,
  });
  return {
    wallet,
    network: 'bitcoin',
    payInvoice: async (bolt11) => {
      if (!fake.payInvoice(bolt11)) throw new Error('could not be paid');
    },
    foreignInvoice: async (amountSats) => fake.receiveInvoice(amountSats * 1000),
    close: async () => {
      await fake.stop();
      fake.assertInvariants();
    },
  };
}

walletContract('LNbits 1.6 (fake), two keys', () => onFake('1.6', false));
walletContract('LNbits 1.5 (fake), two keys', () => onFake('1.5', false));
walletContract('LNbits 1.6 (fake), one admin key', () => onFake('1.6', true));

async function onStub(): Promise<OpenedWallet> {
  const database = openDatabase(':memory:');
  migrate(database, machineClock.now(), () => {});
  const wallet = createStubWallet({ database, network: 'regtest', clock: machineClock, rng: machineRng });
  const payInvoice = async (text: string): Promise<void> => {
    const { result } = database.write((tx) => payStubInvoice(tx, text, machineClock.now()));
    if (result !== 'paid') throw new Error(result);
  };
  const funds = { amountSats: sats(10_000), description: 'funds', expirySeconds: 600, intentId: 'funds' };
  await payInvoice((await wallet.createInvoice(funds, AbortSignal.timeout(1000))).bolt11);
  const foreignInvoice = async (amountSats: number): Promise<string> =>
    encodeInvoice(
      {
        network: 'regtest',
        amountMsats: BigInt(amountSats) * 1000n,
        timestamp: machineClock.now(),
        expirySeconds: 3600,
        paymentHash: Buffer.from(machineRng.bytes(32)).toString('hex'),
        paymentSecret: Buffer.from(machineRng.bytes(32)).toString('hex'),
      },
      machineRng.bytes(32),
    );
  return { wallet, network: 'regtest', payInvoice, foreignInvoice, close: async () => database.close() };
}

walletContract('the stub', onStub);
