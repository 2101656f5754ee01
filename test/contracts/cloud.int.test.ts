import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { createDigitalOcean } from '../../src/adapters/digital-ocean/index.ts';
import { createStubCloud } from '../../src/adapters/stub-cloud/index.ts';
import { silentLog } from '../../src/lib/log.ts';
import { Secret } from '../../src/lib/secret.ts';
import { startFakeDigitalOcean } from '../fakes/digital-ocean/index.ts';
import { createHandClock } from '../fakes/hand-clock.ts';
import { cloudContract, type OpenedCloud } from './cloud.ts';
import { machineClock } from './wallet.ts';

async function onFake(): Promise<OpenedCloud> {
  const fake = await startFakeDigitalOcean();
  const token = new Secret(fake.token);
  const cloud = createDigitalOcean({ url: fake.url, token, clock: machineClock, callsPerSecond: 1000 });
  return {
    cloud,
    pass: () => fake.advance(60),
    close: async () => {
      await fake.stop();
      fake.assertInvariants();
      expect(fake.books.inventory()).toEqual({ droplets: [], volumes: [], keys: ['timmy-contract'] });
    },
  };
}

cloudContract('Digital Ocean (fake)', onFake);

async function onStub(): Promise<OpenedCloud> {
  const directory = mkdtempSync(join(tmpdir(), 'stub-cloud-'));
  const clock = createHandClock();
  const cloud = createStubCloud({ directory, clock, log: silentLog, regions: ['nyc3', 'fra1'], sizes: [] });
  cloud.start();
  return {
    cloud,
    pass: () => clock.advance(60_000),
    close: async () => {
      await cloud.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

cloudContract('the stub', onStub);
