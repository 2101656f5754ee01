import { withinMs } from './daemon.ts';

/** A direct message as a customer of Timmy's finally has it, whatever library opened it. */
export interface Heard {
  readonly rumorId: string;
  readonly text: string;
}

/** A customer in conversation with one daemon. */
export interface Chat {
  readonly publicKey: string;
  readonly ear: Ear;
  say(text: string): Promise<void>;
  close(): Promise<void>;
}

const PATIENCE_MS = 30_000;

/** What a customer heard: each message once, by rumor id, in order of arrival; and who waits for what. */
export class Ear {
  readonly messages: Heard[] = [];
  /** Every gift wrap that came, and the message in it. */
  readonly wraps = new Map<string, string>();
  readonly #taken = new Set<Heard>();
  readonly #waiting = new Set<() => void>();
  readonly #patienceMs: number;

  /** `patienceMs`: how long it waits for any one message. */
  constructor(patienceMs = PATIENCE_MS) {
    this.#patienceMs = patienceMs;
  }

  hear(wrapId: string, message: Heard): void {
    this.wraps.set(wrapId, message.rumorId);
    if (this.messages.some(({ rumorId }) => rumorId === message.rumorId)) return;
    this.messages.push(message);
    for (const look of [...this.#waiting]) look();
  }

  /** The first message, heard already or in time, that `read` makes something of and that nobody took. */
  take<T>(what: string, read: (text: string) => T | undefined): Promise<T> {
    return this.#wait(what, () => {
      for (const message of this.messages) {
        const found = this.#taken.has(message) ? undefined : read(message.text);
        if (found === undefined) continue;
        this.#taken.add(message);
        return found;
      }
      return undefined;
    });
  }

  takeText(match: RegExp): Promise<RegExpExecArray> {
    return this.take(String(match), (text) => match.exec(text) ?? undefined);
  }

  /** Resolves once what was heard is enough; takes nothing. */
  async until(what: string, isEnough: () => boolean): Promise<void> {
    await this.#wait(what, () => isEnough() || undefined);
  }

  async #wait<T>(what: string, find: () => T | undefined): Promise<T> {
    let look = (): void => {};
    const later = new Promise<T>((resolve) => {
      look = () => {
        const found = find();
        if (found === undefined) return;
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
      look();
    });
    try {
      return await withinMs(this.#patienceMs, what, later);
    } catch (error) {
      const heard = this.messages.map(({ text }) => `  ${text.slice(0, 160)}`).join('\n');
      throw new Error(`${error instanceof Error ? error.message : ''}; heard:\n${heard}`, { cause: error });
    } finally {
      this.#waiting.delete(look);
    }
  }
}
