import { existsSync, readdirSync } from 'node:fs';
import type { Context } from '../context.ts';
import { readText } from '../durable-file.ts';
import { lettersToOwner, MAX_MESSAGE_BYTES, STUB_LINE } from '../letters.ts';
import type { Looks } from '../looks.ts';
import type { Services } from '../services/services.ts';
import type { AgentState, Rotation } from '../state.ts';
import { shown } from '../timmy.ts';
import type { Asked, Command, RpcProblem } from './command.ts';
import { lastLines, redact } from './redact.ts';
import { HELP_TEXT, peersText, rotatedText, RPC_METHODS, statusText, undoneText } from './text.ts';

export interface Reply {
  readonly text: string;
  /** What becomes true together with the answer. */
  readonly patch?: Partial<AgentState>;
}

/** JSON-RPC as Timmy numbers it (protocol.md): not possible now, try later, and what nobody expected. */
const BAD_STATE = -32002;
const UNAVAILABLE = -32007;
const INTERNAL = -32603;

const SHOWN_PEERS = 40;
/** Room for words around the lines of a log, and for what JSON doubles. */
const LOG_BYTES = { words: MAX_MESSAGE_BYTES - 400, rpc: 2_600 } as const;

/** Does what the owner wants and says what came of it, in the voice in which it was asked. */
export class Answers {
  readonly #context: Context;
  readonly #services: Services;
  readonly #looks: Looks;

  constructor(context: Context, services: Services, looks: Looks) {
    this.#context = context;
    this.#services = services;
    this.#looks = looks;
  }

  /** What only looks. */
  async look(asked: Asked, command: Command): Promise<Reply> {
    switch (command.do) {
      case 'status':
        return this.#status(asked);
      case 'peers': {
        const peers = (await this.#services.peers())?.slice(0, SHOWN_PEERS) ?? null;
        if (peers === null)
          return this.#no(asked, UNAVAILABLE, 'bitcoind does not answer. Send status, or logs bitcoin.');
        const listed = peers.map(({ address, version, inbound, pingMs }) => ({
          address,
          version,
          inbound,
          ping_ms: pingMs,
        }));
        return this.#yes(asked, peersText(peers), { peers: fitting(listed) });
      }
      case 'logs': {
        const text = await this.#services.logs(command.source, command.lines);
        if (text === null) return this.#no(asked, UNAVAILABLE, `I cannot read the log of ${command.source} now.`);
        const lines = lastLines(redact(text, this.#secrets()), command.lines, LOG_BYTES[asked.voice]);
        return this.#yes(asked, lines === '' ? `The log of ${command.source} is empty.` : lines, {
          service: command.source,
          text: lines,
        });
      }
      default:
        return this.#yes(asked, HELP_TEXT, { methods: RPC_METHODS });
    }
  }

  /** What changes the node. May take half an hour. */
  async change(asked: Asked, command: Command): Promise<Reply> {
    if (command.do === 'rotate') return this.#rotate(asked);
    const service = command.do === 'restart' ? command.service : null;
    const name = service ?? 'everything';
    return (await this.#services.restart(service))
      ? this.#yes(asked, `Restarted: ${name}.`, { restarted: service ?? 'all' })
      : this.#no(asked, INTERNAL, `The restart of ${name} did not succeed. Send status, or logs.`);
  }

  /** Said at once, where the end takes long; programs wait for their one answer. */
  begun(asked: Asked, command: Command): Reply | null {
    if (asked.voice === 'rpc') return null;
    return {
      text:
        command.do === 'rotate'
          ? 'Making a new Bitcoin RPC password. bitcoind restarts for it, which can take some minutes. I write again when it is through.'
          : 'Restarting; bitcoind can take some minutes to write down what it holds. I write again when it is through.',
    };
  }

  busy(asked: Asked): Reply {
    return this.#no(
      asked,
      BAD_STATE,
      'I am still busy with the restart or change before this one; nothing is done of yours. Send it again later.',
    );
  }

  interrupted(asked: Asked, what: string): Reply {
    const rest =
      what === 'rotate'
        ? 'The old password stays; bitcoind restarts once more for that.'
        : 'I do not know whether it was done. Send status; if it was not, send it again.';
    return this.#no(asked, INTERNAL, `I was restarted in the middle of "${what}". ${rest}`);
  }

  broken(asked: Asked): Reply {
    return this.#no(asked, INTERNAL, 'That failed midway, for a reason I did not foresee. Send status.');
  }

  tooOld(asked: Asked, ageSeconds: number): Reply {
    return ageSeconds > 0
      ? this.#no(
          asked,
          BAD_STATE,
          `That is ${Math.round(ageSeconds / 60)} minutes old, so I have not done it. Send it again if you still want it.`,
        )
      : this.#no(
          asked,
          BAD_STATE,
          'That is dated in the future, so I have not done it. Set the clock of your device and send it again.',
        );
  }

  problem(asked: Asked, { code, message }: RpcProblem): Reply {
    return this.#no(asked, code, message);
  }

  confused(asked: Asked): Reply {
    return this.#yes(asked, `I did not understand that.\n${HELP_TEXT}`, {});
  }

  /** Brings back what was in force before a change that did not come to its end. True when it is; the owner is told of it where `isTold`. */
  async undoRotation({ oldLine, newLine }: Rotation, isTold: boolean): Promise<boolean> {
    const { state, turns, log } = this.#context;
    if (!(await this.#services.setRpcLine(oldLine, newLine, null))) return false;
    await turns(async () => {
      const letters = isTold ? await lettersToOwner(this.#context, [undoneText(this.#context.node)]) : {};
      state.change(() => ({ ...letters, rotation: null }));
    });
    log.warn('rotation.undone');
    return true;
  }

  /**
   * A new RPC password for the owner. Killed midway: the password was in no file, so the old one is put back in force at
   * the next start. It counts once its letter is part of the state.
   */
  async #rotate(asked: Asked): Promise<Reply> {
    const { state, turns, reach } = this.#context;
    const change = this.#services.planRpcChange(state.now.rpcUser);
    if (change === null)
      return this.#no(asked, INTERNAL, 'I find no RPC user of yours in bitcoin.conf, so I changed nothing.');
    const { oldLine, newLine, user, password } = change;
    await turns(async () => void state.change(() => ({ rotation: { oldLine, newLine } })));
    reach('rotation.kept');
    const isInForce = await this.#services.setRpcLine(newLine, oldLine, { user, password });
    reach('rotation.set');
    if (isInForce) {
      const result = { rotated: true, bitcoin_rpc: { url: change.url, user, password } };
      return { ...this.#yes(asked, rotatedText(change), result), patch: { rotation: null } };
    }
    const isBack = await this.undoRotation({ oldLine, newLine }, false);
    return this.#no(
      asked,
      INTERNAL,
      isBack
        ? 'bitcoind did not take the new password. The old one is in force again.'
        : 'bitcoind did not take the new password. I am putting the old one back and go on until it is in force. Send status, or logs bitcoin.',
    );
  }

  async #status(asked: Asked): Promise<Reply> {
    const { node, state, relays, signer, version } = this.#context;
    const { snapshot, trouble } = await this.#looks.fresh();
    const { termEndsAt } = state.now;
    const text = statusText(node, { snapshot, trouble, termEndsAt, relays: relays.connected() });
    const result = {
      order: node.order,
      pubkey: signer.publicKey,
      ...shown(snapshot),
      trouble,
      term_ends_at: termEndsAt,
      relays: relays.connected(),
      version,
    };
    return this.#yes(asked, text, result);
  }

  #yes(asked: Asked, words: string, result: Readonly<Record<string, unknown>>): Reply {
    if (asked.voice === 'words') return { text: words };
    const { node } = this.#context;
    const said = node.stub ? { stub: STUB_LINE, ...result } : result;
    return { text: JSON.stringify({ jsonrpc: '2.0', id: asked.id, result: said }) };
  }

  #no(asked: Asked, code: number, words: string): Reply {
    if (asked.voice === 'words') return { text: words };
    return { text: JSON.stringify({ jsonrpc: '2.0', id: asked.id, error: { code, message: words } }) };
  }

  /** What this machine holds that no log may show: the claim, and what the setup made. */
  #secrets(): readonly string[] {
    const { node, paths } = this.#context;
    const names = existsSync(paths.secrets) ? readdirSync(paths.secrets).slice(0, 32) : [];
    return [node.claim, ...names.map((name) => readText(`${paths.secrets}/${name}`)?.trim() ?? '')];
  }
}

/** As many as fit into one message. */
function fitting<T>(items: readonly T[]): readonly T[] {
  let bytes = 0;
  return items.filter((item) => (bytes += Buffer.byteLength(JSON.stringify(item)) + 1) < MAX_MESSAGE_BYTES - 500);
}
