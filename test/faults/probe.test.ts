import { it } from 'vitest';
import { openStage } from './stage.ts';
for (const i of [1,2,3,4,5,6,7,8]) it.concurrent('x'+i, async () => {
  const t0=Date.now();
  const stage = await openStage({ profile: '1.6' });
  const t1=Date.now();
  const p = await stage.buy();
  const t2=Date.now();
  const hash = await stage.refund(p.changeMsats);
  await stage.hears(/^Paid out/);
  await stage.quiet();
  console.log(p, hash, stage.guest.heard, stage.errors, t1-t0, t2-t1, Date.now()-t2, stage.clock.seconds()-1.8e9, stage.fake.requests.length);
  await stage.close();
}, 30000);
