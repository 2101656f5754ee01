import { OutsideError } from '../../lib/errors.ts';
import type { Reader } from '../../db/index.ts';
import type { Tariff } from '../../pricing/index.ts';
import { RunAgain, type TaskKind } from '../../tasks/index.ts';
import type { ModelGate } from './model-gate.ts';
import { isModelInDoubt, PROBE_AGAIN, type ModelRole } from './model-trouble.ts';

export interface ModelProbeOptions {
  readonly read: Reader;
  readonly gate: ModelGate;
  readonly tariffNow: () => Tariff;
}

/**
 * Asks the model something of our own while it is in doubt, every few minutes: what it answers decides whether sales
 * are closed or open. Makes no sale, and is counted in the daily budget.
 *
 * Killed midway: it cost a few tokens, which stay set aside; it is asked again.
 */
export function modelProbeTask({ read, gate, tariffNow }: ModelProbeOptions): TaskKind<{ role: ModelRole }> {
  return {
    kind: 'model.probe',
    pool: 'model',
    leaseSeconds: 180,
    maxAttempts: Infinity,
    run: async ({ payload: { role } }, signal) => {
      if (!isModelInDoubt(read, role)) return () => {};
      try {
        await gate.probe(role, tariffNow(), signal);
      } catch (error) {
        if (!(error instanceof OutsideError)) throw error;
        if (isModelInDoubt(read, role)) throw new RunAgain(PROBE_AGAIN);
      }
      return () => {};
    },
  };
}
