import type { Clock } from '../../lib/clock.ts';
import { readText } from '../durable-file.ts';
import type { ServicesFile } from '../node-file.ts';
import { isObject, parseObject, textOf, wholeOf, type JsonObject } from '../reading.ts';
import { httpCall } from './http-call.ts';
import type { Peer, Snapshot } from './services.ts';

/** Still loading its blocks (`RPC_IN_WARMUP`). */
const WARMUP = -28;
/** Whoever runs it may write what they like into it. */
const MAX_VERSION_CHARS = 60;

export type RpcAnswer =
  { readonly kind: 'result'; readonly result: unknown } | { readonly kind: 'starting' | 'down' | 'denied' | 'error' };

/** bitcoind by its JSON-RPC, with the cookie that it writes at each start, or as another user. */
export class Bitcoind {
  readonly #services: ServicesFile;
  readonly #clock: Clock;

  constructor(services: ServicesFile, clock: Clock) {
    this.#services = services;
    this.#clock = clock;
  }

  async call(
    method: string,
    params: readonly unknown[] = [],
    as?: { user: string; password: string },
  ): Promise<RpcAnswer> {
    const login = as === undefined ? readText(this.#services.bitcoinCookie)?.trim() : `${as.user}:${as.password}`;
    const body = JSON.stringify({ jsonrpc: '1.0', id: 'agent', method, params });
    const answer = await httpCall(this.#clock, this.#services.bitcoinRpcUrl, {
      body,
      ...(login !== undefined && { login }),
    });
    if (answer === null) return { kind: 'down' };
    if (answer.status === 401 || answer.status === 403) return { kind: 'denied' };
    const said = parseObject(answer.body);
    if (said === null) return { kind: 'down' };
    if (isObject(said['error'])) return { kind: said['error']['code'] === WARMUP ? 'starting' : 'error' };
    return { kind: 'result', result: said['result'] };
  }

  async look(): Promise<Snapshot['bitcoind']> {
    const [chain, network] = await Promise.all([this.call('getblockchaininfo'), this.call('getnetworkinfo')]);
    if (chain.kind !== 'result' || !isObject(chain.result)) {
      return { state: chain.kind === 'starting' ? 'starting' : 'down' };
    }
    const info = chain.result;
    const net: JsonObject = network.kind === 'result' && isObject(network.result) ? network.result : {};
    const height = wholeOf(info['blocks'], 0, 100_000_000) ?? 0;
    const headers = Math.max(height, wholeOf(info['headers'], 0, 100_000_000) ?? 0);
    const progress = typeof info['verificationprogress'] === 'number' ? info['verificationprogress'] : 0;
    return {
      state: 'up',
      version:
        textOf(net['subversion'], 300)
          ?.replace(/^\/|\/$/g, '')
          .slice(0, MAX_VERSION_CHARS) ?? 'unknown',
      chain: textOf(info['chain'], 20) ?? 'unknown',
      height,
      headers,
      progressPpm: Math.max(0, Math.min(1_000_000, Math.floor(progress * 1_000_000))),
      synced: info['initialblockdownload'] === false && headers - height <= 2,
      peers: wholeOf(net['connections'], 0, 100_000) ?? 0,
      isWrongChain: await this.#isWrongChain(height),
    };
  }

  async peers(): Promise<readonly Peer[] | null> {
    const answer = await this.call('getpeerinfo');
    if (answer.kind !== 'result' || !Array.isArray(answer.result)) return null;
    return answer.result.filter(isObject).map((peer) => ({
      address: textOf(peer['addr'], 100) ?? 'unknown',
      version: textOf(peer['subver'], 100)?.replace(/^\/|\/$/g, '') ?? '',
      inbound: peer['inbound'] === true,
      pingMs: typeof peer['pingtime'] === 'number' ? Math.round(peer['pingtime'] * 1000) : null,
    }));
  }

  /** Cheap, and asked each time: a chain can be left at any moment. */
  async #isWrongChain(height: number): Promise<boolean> {
    const { checkpoint } = this.#services;
    if (checkpoint === null || height < checkpoint.height) return false;
    const answer = await this.call('getblockhash', [checkpoint.height]);
    return answer.kind === 'result' && typeof answer.result === 'string' && answer.result !== checkpoint.hash;
  }
}
