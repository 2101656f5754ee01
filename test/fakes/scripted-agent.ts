import { createStubAgent } from '../../src/adapters/stubs/agent/index.ts';
import { AgentError, type Agent } from '../../src/ports/agent.ts';

type Role = 'eval' | 'work';

/** A stub agent that fails when the test says so. */
export interface ScriptedAgent extends Agent {
  /** Calls received so far. */
  readonly calls: Record<Role, number>;
  /** The next calls of this role end so, one each. */
  next(role: Role, ...errors: Error[]): void;
  /** Every call of this role ends so from now on, when nothing is queued; null: it is well. */
  always(role: Role, error: Error | null): void;
}

export function createScriptedAgent(): ScriptedAgent {
  const stub = createStubAgent();
  const queue: Record<Role, Error[]> = { eval: [], work: [] };
  const standing: Record<Role, Error | null> = { eval: null, work: null };
  const calls = { eval: 0, work: 0 };
  const turn = (role: Role): void => {
    calls[role] += 1;
    const error = queue[role].shift() ?? standing[role];
    if (error !== null) throw error;
  };
  return {
    kind: 'stub',
    calls,
    next: (role, ...errors) => void queue[role].push(...errors),
    always: (role, error) => void (standing[role] = error),
    evaluate: async (request, signal) => {
      turn('eval');
      return stub.evaluate(request, signal);
    },
    work: async (request, signal) => {
      try {
        turn('work');
      } catch (error) {
        // Lost midway: what came before was heard.
        if (error instanceof AgentError && error.partial !== '') request.onText?.(error.partial);
        throw error;
      }
      return stub.work(request, signal);
    },
  };
}
