import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { renderUserData } from '../../../src/node-image/index.ts';
import { until } from '../../builders/node-agent.ts';
import { writeNodeRoot } from '../../builders/node-root.ts';
import { nodeSpec } from '../../builders/node-spec.ts';

const BIN = process.env['NODE_BIN'] ?? '';
const LNBITS = process.env['NODE_LNBITS'];

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A chain of one's own (simnet), by the real btcd. */
export class Btcd {
  readonly folder = mkdtempSync(join(tmpdir(), 'timmy-btcd-'));
  #child: ChildProcess | null = null;
  #port = 0;

  async start(miningAddress: string | null = null): Promise<void> {
    this.#port ||= await freePort();
    this.#child = this.#launch(miningAddress);
    await until('btcd', () =>
      this.call('getblockcount').then(
        () => true,
        () => false,
      ),
    );
  }

  #launch(miningAddress: string | null): ChildProcess {
    const args = [
      '--simnet',
      '--nolisten',
      `--configfile=${this.folder}/none`,
      `--datadir=${this.folder}/data`,
      `--logdir=${this.folder}/log`,
      `--rpclisten=127.0.0.1:${this.#port}`,
      '--rpcuser=u',
      '--rpcpass=p',
      `--rpccert=${this.folder}/rpc.cert`,
      `--rpckey=${this.folder}/rpc.key`,
      ...(miningAddress === null ? [] : [`--miningaddr=${miningAddress}`]),
    ];
    return spawn(`${BIN}/btcd`, args, { stdio: 'ignore' });
  }

  async stop(): Promise<void> {
    if (this.#child === null) return;
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'exit');
      this.#child.kill('SIGTERM');
      await ended;
    }
    this.#child = null;
  }

  async call(method: string, ...params: unknown[]): Promise<unknown> {
    const headers = { authorization: `Basic ${Buffer.from('u:p').toString('base64')}` };
    const body = JSON.stringify({ jsonrpc: '1.0', id: 1, method, params });
    const { status, text } = await https(`https://127.0.0.1:${this.#port}/`, { method: 'POST', headers, body });
    if (status !== 200) throw new Error(`btcd: ${text}`);
    return (JSON.parse(text) as { result: unknown }).result;
  }

  /** For LND's configuration. */
  get section(): string {
    return [
      '[Btcd]',
      `btcd.rpchost=127.0.0.1:${this.#port}`,
      'btcd.rpcuser=u',
      'btcd.rpcpass=p',
      `btcd.rpccert=${this.folder}/rpc.cert`,
    ].join('\n');
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true });
  }
}

/**
 * A machine after its setup, whose `docker compose up` starts the real LND and the real LNbits, as root of the test and
 * without containers: what is in a container under /data is in the folder that is mounted there.
 */
export class LightningNode {
  readonly root: string;
  readonly lndUrl: string;
  readonly lnbitsUrl: string;
  readonly #folder: string;

  private constructor(folder: string, ports: readonly number[], btcd: Btcd) {
    const [rest, rpc, lnbits] = ports;
    this.#folder = folder;
    this.root = `${folder}/root`;
    this.lndUrl = `https://127.0.0.1:${rest}`;
    this.lnbitsUrl = `http://127.0.0.1:${lnbits}`;
    writeNodeRoot(this.root, renderUserData(nodeSpec()));
    for (const made of ['var/lib/timmy/steps', 'var/lib/timmy/secrets', 'var/lib/lnd', 'var/lib/lnbits'])
      mkdirSync(join(this.root, made), { recursive: true });
    writeFileSync(join(this.root, 'var/lib/timmy/steps/55-configuration.done'), '');
    // The node's own file, on another chain and other ports.
    const conf = readFileSync(join(this.root, 'opt/timmy/lnd.conf'), 'utf8')
      .replace('listen=0.0.0.0:9735', 'nolisten=true')
      .replace('127.0.0.1:10009', `127.0.0.1:${rpc}`)
      .replace('127.0.0.1:8080', `127.0.0.1:${rest}`)
      .replace('bitcoin.mainnet=true', 'bitcoin.simnet=true')
      .replace('bitcoin.node=bitcoind', 'bitcoin.node=btcd')
      .replace(/\[Bitcoind\][^]*/, btcd.section);
    writeFileSync(join(this.root, 'var/lib/lnd/lnd.conf'), `${conf}\n`);
    const env = readFileSync(join(this.root, 'opt/timmy/lnbits.env'), 'utf8').replace(':8080', `:${rest}`);
    writeFileSync(
      join(this.root, 'var/lib/timmy/lnbits.env'),
      `${env}FIRST_INSTALL_TOKEN=install-canary\nAUTH_SECRET_KEY=${'5'.repeat(64)}\n`,
      { mode: 0o600 },
    );
    mkdirSync(`${folder}/bin`);
    for (const [name, text] of Object.entries(this.#standIns(lnbits ?? 0))) {
      writeFileSync(`${folder}/bin/${name}`, `#!/bin/bash\n${text}\n`);
      chmodSync(`${folder}/bin/${name}`, 0o755);
    }
  }

  static async make(btcd: Btcd): Promise<LightningNode> {
    const ports = [await freePort(), await freePort(), await freePort()];
    return new LightningNode(mkdtempSync(join(tmpdir(), 'timmy-lnd-')), ports, btcd);
  }

  #standIns(lnbitsPort: number): Record<string, string> {
    const lnbits =
      LNBITS === undefined
        ? `node -e 'require("http").createServer((_, r) => r.end("{}")).listen(${lnbitsPort}, "127.0.0.1")'`
        : `bash -c 'cd $(dirname ${LNBITS})/../lib/python3*/site-packages && set -a && . <(sed "s|/lnd-tls.cert|${this.root}/var/lib/timmy/lnd-tls.cert|; s|=/data|=${this.root}/var/lib/lnbits|" ${this.root}/var/lib/timmy/lnbits.env) && exec ${LNBITS} --host 127.0.0.1 --port ${lnbitsPort}'`;
    // start NAME COMMAND: unless it runs; what `docker compose up --detach` does.
    const start = `start() {
      local pid=${this.#folder}/$1.pid
      shift
      kill -0 "$(cat $pid 2>/dev/null)" 2>/dev/null && return
      setsid "$@" </dev/null >>$pid.log 2>&1 9>&- & echo $! >$pid
    }`;
    const lndConf = `${this.#folder}/lnd.conf`;
    return {
      ufw: `echo "ufw $*" >>${this.#folder}/calls`,
      docker: `${start}
      case "$*" in
        *"exec -T bitcoin bitcoin-cli -datadir=/data getblockchaininfo") cat ${this.#folder}/chain ;;
        *"up --detach lnd")
          sed 's|=/data|=${this.root}/var/lib/lnd|' ${this.root}/var/lib/lnd/lnd.conf >${lndConf}
          start lnd ${BIN}/lnd --lnddir=${this.root}/var/lib/lnd --configfile=${lndConf} ;;
        *"up --detach lnbits") start lnbits ${lnbits} ;;
        *) exit 1 ;;
      esac`,
    };
  }

  chainIs(initialblockdownload: boolean): void {
    writeFileSync(`${this.#folder}/chain`, JSON.stringify({ initialblockdownload }));
  }

  get env(): Record<string, string> {
    return {
      PATH: `${this.#folder}/bin:${process.env['PATH'] ?? ''}`,
      TIMMY_NODE_ROOT: this.root,
      TIMMY_NODE_NETWORK: 'simnet',
      LND_REST_URL: this.lndUrl,
      LNBITS_URL: this.lnbitsUrl,
    };
  }

  /** At a terminal, as its owner runs it. */
  atTerminal(command: string): Terminal {
    return new Terminal(`${this.root}/usr/local/sbin/${command}`, this.env);
  }

  run(command: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
    return spawnSync(`${this.root}/usr/local/sbin/${command}`, args, { env: this.env, encoding: 'utf8' });
  }

  async lnd(
    path: string,
    macaroon: string | null = null,
    body?: unknown,
  ): Promise<{ status: number; json: Readonly<Record<string, string>> }> {
    const { status, text } = await https(`${this.lndUrl}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: macaroon === null ? {} : { 'grpc-metadata-macaroon': macaroon },
      body: body === undefined ? '' : JSON.stringify(body),
    });
    return { status, json: JSON.parse(text) as Readonly<Record<string, string>> };
  }

  get adminMacaroon(): string {
    return readFileSync(join(this.root, 'var/lib/lnd/data/chain/bitcoin/simnet/admin.macaroon')).toString('hex');
  }

  get lnbitsMacaroon(): string {
    return (
      /^LND_REST_MACAROON=([0-9a-f]+)$/m.exec(readFileSync(join(this.root, 'var/lib/timmy/lnbits.env'), 'utf8'))?.[1] ??
      ''
    );
  }

  hasUfwAllowed(rule: string): boolean {
    return readFileSync(`${this.#folder}/calls`, 'utf8').includes(`ufw allow ${rule}`);
  }

  log(program: 'lnd' | 'lnbits'): string {
    const path = `${this.#folder}/${program}.pid.log`;
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  /** Ends it, as a restart of the machine would; resolves when it is gone. */
  async stop(program: 'lnd' | 'lnbits'): Promise<void> {
    const file = `${this.#folder}/${program}.pid`;
    if (!existsSync(file)) return;
    const pid = Number(readFileSync(file, 'utf8'));
    const isThere = (): boolean =>
      existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
    if (isThere()) process.kill(pid, 'SIGTERM');
    await until(`the end of ${program}`, () => !isThere());
    rmSync(file);
  }

  async remove(): Promise<void> {
    for (const program of ['lnbits', 'lnd'] as const) await this.stop(program);
    if (process.env['NODE_KEEP'] !== undefined) cpSync(this.#folder, process.env['NODE_KEEP'], { recursive: true });
    rmSync(this.#folder, { recursive: true });
  }
}

/** A program that thinks a person sits before it. */
export class Terminal {
  readonly #child: ChildProcess;
  #shown = '';
  #read = 0;

  constructor(command: string, env: Record<string, string>) {
    this.#child = spawn('script', ['-qfec', command, '/dev/null'], {
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
    });
    this.#child.stdin!.on('error', (error) => (this.#shown += `\n${String(error)}\n`));
    this.#child.stdout!.on('data', (data: Buffer) => (this.#shown += data.toString().replaceAll('\r', '')));
  }

  get shown(): string {
    return this.#shown;
  }

  /** The first match that was not waited for before, within four minutes: programs start slowly on a busy machine. */
  async shows(match: RegExp): Promise<RegExpExecArray> {
    for (let tries = 0; tries < 2_400; tries++) {
      const found = match.exec(this.#shown.slice(this.#read));
      if (found !== null) {
        this.#read += found.index + found[0].length;
        return found;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`never seen: ${String(match)} in\n${this.#shown}`);
  }

  type(line: string): void {
    this.#child.stdin!.write(`${line}\n`);
  }

  async ends(): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
    return this.#child.exitCode;
  }

  /** The connection breaks: everything in it is killed. */
  async hangUp(): Promise<void> {
    process.kill(-this.#child.pid!, 'SIGKILL');
    await this.ends();
  }
}

function https(
  url: string,
  { method, headers, body }: { method: string; headers: Record<string, string>; body: string },
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(
      url,
      { method, headers, rejectUnauthorized: false, timeout: 30_000, agent: false },
      (answer) => {
        let text = '';
        answer.on('data', (data: Buffer) => (text += data.toString()));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      },
    );
    asked.on('error', reject);
    asked.on('timeout', () => asked.destroy(new Error('timeout')));
    asked.end(body);
  });
}
