import { it } from 'vitest';
import { openStage } from './stage.ts';
it('x', async () => {
  const stage = await openStage({ profile: '1.6', kills: ['payout.send:acting', 'payout.send:acted', 'payout.watch:acted', 'payout.watch:acting'] });
  const p = await stage.buy();
  await stage.refund(p.changeMsats);
  await stage.clock.pass(100);
  console.log(stage.killed, stage.errors, stage.database().read.$client.prepare('select kind,state,due_at-1800000000 as due,tries,error,payload from tasks').all(), stage.clock.seconds()-1.8e9, stage.fake.requests.slice(-6));
  await stage.close();
}, 30000);
