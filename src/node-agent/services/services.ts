import type { Disk } from '../host.ts';

/** What runs on the node beside the agent, by the names that the owner uses and compose knows. */
export const SERVICES = ['bitcoin', 'lnd', 'lnbits'] as const;
export type ServiceName = (typeof SERVICES)[number];

/** Whose lines can be shown: the services', and those of the setup that made them. */
export const LOG_SOURCES = [...SERVICES, 'setup'] as const;
export type LogSource = (typeof LOG_SOURCES)[number];

/** One look at everything. */
export interface Snapshot {
  readonly bitcoind:
    | {
        readonly state: 'up';
        /** As it names itself, `Satoshi:31.0.0`. */
        readonly version: string;
        readonly chain: string;
        readonly height: number;
        readonly headers: number;
        /** Of the work to verify, in millionths. */
        readonly progressPpm: number;
        readonly synced: boolean;
        readonly peers: number;
        /** A block that the right chain has is another one here. */
        readonly isWrongChain: boolean;
      }
    /** `starting`: it answers that it is loading. */
    | { readonly state: 'starting' | 'down' };
  /** LND's own word (`GET /v1/state`), or null where it does not answer. */
  readonly lnd: string | null;
  readonly lnbits: boolean;
  readonly disk: Disk | null;
  /** Somebody has set this machine's clock. */
  readonly isClockSet: boolean;
}

export interface Peer {
  readonly address: string;
  readonly version: string;
  readonly inbound: boolean;
  readonly pingMs: number | null;
}

/** Changes a line of bitcoind's configuration: the owner's RPC password. */
export interface RpcChange {
  readonly url: string;
  readonly user: string;
  /** Known to nobody else, and kept nowhere on this machine. */
  readonly password: string;
  readonly oldLine: string;
  readonly newLine: string;
}

/** The node's programs. Nothing here throws for what they do wrong. */
export interface Services {
  look(): Promise<Snapshot>;
  /** Null where bitcoind does not answer. */
  peers(): Promise<readonly Peer[] | null>;
  /** Null: all of them. False: it could not be done. */
  restart(service: ServiceName | null): Promise<boolean>;
  /** The last lines, oldest first, as they were written: secrets are still in them. Null: there is no way to them. */
  logs(source: LogSource, lines: number): Promise<string | null>;
  /** A new password for `user`, not yet in force. Null: there is no such user. */
  planRpcChange(user: string | null): RpcChange | null;
  /**
   * Puts `line` in the place of `instead`, and restarts bitcoind. With `login`, true only when bitcoind lets it in.
   * Doing it again is no harm.
   */
  setRpcLine(line: string, instead: string, login: { user: string; password: string } | null): Promise<boolean>;
}
