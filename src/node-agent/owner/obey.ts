import { sleep } from '../../lib/clock.ts';
import type { OpenedDm } from '../../nostr/opened-dm.ts';
import type { Context } from '../context.ts';
import { lettersToOwner } from '../letters.ts';
import { isSeen, withSeen, type AgentState } from '../state.ts';
import type { Answers, Reply } from './answers.ts';
import { readCommand, type Asked, type Command } from './command.ts';

/** An order that is older than this, or dated as far ahead, is not carried out. */
const FRESH_SECONDS = 10 * 60;
/** Below this age it still deserves a word. */
const ANSWERED_SECONDS = 24 * 3_600;
/** Commands at once, and one more each so often: more than any hand sends. */
const BURST = 20;
const REFILL_MS = 5_000;
/** Looks that are under way at once. */
const MAX_AT_WORK = 10;

const isHeavy = (command: Command): boolean => command.do === 'restart' || command.do === 'rotate';

/**
 * Carries out what the owner writes, each message once. What only looks is done and then noted with its answer: killed
 * midway it is done again and answered once. What changes the node is noted first: killed midway it is never repeated,
 * and the owner is told that its end is unknown.
 */
export class Obedience {
  readonly #context: Context;
  readonly #answers: Answers;
  readonly #onLetter: () => void;
  readonly #atWork = new Set<string>();
  #tokens = BURST;
  #refilledAtMs: number;
  #confusions = 0;

  constructor(context: Context, answers: Answers, onLetter: () => void) {
    this.#context = context;
    this.#answers = answers;
    this.#onLetter = onLetter;
    this.#refilledAtMs = context.clock.monotonicMs();
  }

  /** A message of the owner's. Resolves when it is taken in hand; its answer may come later. */
  async hear(dm: OpenedDm): Promise<void> {
    const { state, clock } = this.#context;
    if ((dm.kind !== 14 && dm.kind !== 1) || dm.group) return;
    if (isSeen(state.now, dm.rumorId, dm.createdAt) || this.#atWork.has(dm.rumorId)) return;
    const asked = readCommand(dm.content);
    if (asked === null || !this.#hasToken() || this.#atWork.size >= MAX_AT_WORK) return;
    const age = clock.now() - dm.createdAt;
    if (Math.abs(age) > FRESH_SECONDS) {
      return this.#answer(dm, age > ANSWERED_SECONDS ? null : this.#answers.tooOld(asked, age));
    }
    const { command } = asked;
    if (command === null) return this.#answer(dm, this.#confused(asked));
    if ('code' in command) return this.#answer(dm, this.#answers.problem(asked, command));
    this.#atWork.add(dm.rumorId);
    const work = isHeavy(command) ? this.#change(dm, asked, command) : this.#look(dm, asked, command);
    void work.catch((error: unknown) => this.#failed(error)).finally(() => this.#atWork.delete(dm.rumorId));
  }

  /** What a life that was killed midway left: said, not repeated. At the start, before anything is heard. */
  async settle(): Promise<void> {
    const { state, turns } = this.#context;
    const { doing } = state.now;
    if (doing === null) return;
    const { isRpc, rpcId, what, rumorId } = doing;
    const asked: Asked =
      isRpc && rpcId !== null
        ? { voice: 'rpc', id: rpcId, command: { do: 'help' } }
        : { voice: 'words', command: null };
    await turns(async () => {
      const letters = await lettersToOwner(this.#context, [this.#answers.interrupted(asked, what).text], rumorId);
      state.change(() => ({ ...letters, doing: null }));
    });
  }

  /** Brings back the old RPC password wherever a change did not come to its end. Until the agent ends. */
  async mend(): Promise<void> {
    const { state, clock, pace, stop } = this.#context;
    while (!stop.aborted) {
      const { rotation, doing } = state.now;
      if (rotation !== null && doing === null) {
        try {
          if (await this.#answers.undoRotation(rotation, true)) this.#onLetter();
        } catch (error) {
          this.#failed(error);
        }
      }
      await sleep(clock, pace.lookMs, stop);
    }
  }

  async #look(dm: OpenedDm, asked: Asked, command: Command): Promise<void> {
    const reply = await this.#answers.look(asked, command);
    await this.#answer(dm, reply);
  }

  async #change(dm: OpenedDm, asked: Asked, command: Command): Promise<void> {
    const { state, turns, log, reach } = this.#context;
    const what = command.do === 'restart' ? `restart ${command.service ?? ''}`.trim() : command.do;
    const isBegun = await turns(async () => {
      if (isSeen(state.now, dm.rumorId, dm.createdAt)) return false;
      const isBusy = state.now.doing !== null || state.now.rotation !== null;
      const reply = isBusy ? this.#answers.busy(asked) : this.#answers.begun(asked, command);
      const letters = reply === null ? {} : await lettersToOwner(this.#context, [reply.text], dm.rumorId);
      const doing = isBusy
        ? state.now.doing
        : { rumorId: dm.rumorId, what, isRpc: asked.voice === 'rpc', rpcId: asked.voice === 'rpc' ? asked.id : null };
      state.change((now) => ({ ...withSeen(now, dm.rumorId, dm.createdAt), ...letters, doing }));
      return !isBusy;
    });
    this.#onLetter();
    if (!isBegun) return;
    log.info('owner.command', { what });
    reach('command.begun');
    const reply = await this.#answers.change(asked, command).catch((error: unknown) => {
      this.#failed(error);
      return this.#answers.broken(asked);
    });
    reach('command.done');
    await this.#keep(async () => {
      const letters = await lettersToOwner(this.#context, [reply.text], dm.rumorId);
      state.change(() => ({ ...letters, ...reply.patch, doing: null }));
    });
    reach('command.answered');
    this.#onLetter();
  }

  /** What was done must be known: while the disk takes nothing, this goes on trying. */
  async #keep(change: () => Promise<void>): Promise<void> {
    const { turns, clock, pace, stop } = this.#context;
    while (!stop.aborted) {
      try {
        return await turns(change);
      } catch (error) {
        this.#failed(error);
        await sleep(clock, pace.lookMs, stop);
      }
    }
  }

  /** Notes the message as handled, together with what is said to it. */
  async #answer(dm: OpenedDm, reply: Reply | null): Promise<void> {
    const { state, turns } = this.#context;
    await turns(async () => {
      if (isSeen(state.now, dm.rumorId, dm.createdAt)) return;
      const letters: Partial<AgentState> =
        reply === null ? {} : await lettersToOwner(this.#context, [reply.text], dm.rumorId);
      state.change((now) => ({ ...withSeen(now, dm.rumorId, dm.createdAt), ...letters }));
    });
    this.#onLetter();
  }

  /** Two machines that do not understand each other must not go on telling each other so. */
  #confused(asked: Asked): Reply | null {
    const { clock } = this.#context;
    if (this.#confusions >= 3) return null;
    this.#confusions += 1;
    clock.after(3_600_000, () => (this.#confusions -= 1));
    return this.#answers.confused(asked);
  }

  #hasToken(): boolean {
    const now = this.#context.clock.monotonicMs();
    const fresh = Math.floor((now - this.#refilledAtMs) / REFILL_MS);
    this.#tokens = Math.min(BURST, this.#tokens + fresh);
    this.#refilledAtMs += fresh * REFILL_MS;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  #failed(error: unknown): void {
    this.#context.log.error('owner.command_failed', { error: error instanceof Error ? error.name : 'unknown' });
  }
}
