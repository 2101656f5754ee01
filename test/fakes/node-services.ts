import { createHmac, randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** What the programs of a node say; everything can be changed while they run. */
export interface NodeBehaviour {
  bitcoind: 'up' | 'starting' | 'down';
  chain: string;
  blocks: number;
  headers: number;
  progress: number;
  initialBlockDownload: boolean;
  peers: number;
  checkpointHash: string;
  lnd: string | null;
  lnbits: boolean;
  /** What a restart does: bitcoind reads its configuration anew, refuses to start on it, or docker fails. */
  restart: 'works' | 'breaks' | 'docker-fails';
  logs: string;
}

export interface FakeNode {
  readonly services: Readonly<Record<string, unknown>>;
  /** For the agent's PATH: `docker` and `journalctl` of its own. */
  readonly bin: string;
  readonly conf: string;
  /** Each call of `docker`, its arguments. */
  readonly calls: string[][];
  behave(change: Partial<NodeBehaviour>): void;
  /** Whether bitcoind lets them in now. */
  letsIn(user: string, password: string): Promise<boolean>;
  close(): Promise<void>;
}

/** `rpcauth` as bitcoind checks it. */
function isRpcAuth(conf: string, user: string, password: string): boolean {
  return conf.split('\n').some((line) => {
    const [, name, salt, hash] = /^rpcauth=([^:]+):([0-9a-f]+)\$([0-9a-f]{64})$/.exec(line) ?? [];
    return name === user && salt !== undefined && createHmac('sha256', salt).update(password).digest('hex') === hash;
  });
}

async function listen(
  answer: (request: IncomingMessage, response: ServerResponse, body: string) => void,
): Promise<Server> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
    request.on('end', () => answer(request, response, body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

/**
 * bitcoind, LND, LNbits and docker of one node under `root`. bitcoind reads its users from bitcoin.conf when it starts,
 * as the real one does: what is written there counts from the next restart on.
 */
export async function startFakeNode(root: string, password = 'first-password'): Promise<FakeNode> {
  const behaviour: NodeBehaviour = {
    ...{ bitcoind: 'up', chain: 'main', blocks: 1_000, headers: 900_000, progress: 0.001, initialBlockDownload: true },
    ...{ peers: 8, checkpointHash: '0'.repeat(64), lnd: 'NON_EXISTING', lnbits: false, restart: 'works', logs: '' },
  };
  const conf = join(root, 'bitcoin.conf');
  const cookie = join(root, '.cookie');
  const salt = randomBytes(16).toString('hex');
  const hash = createHmac('sha256', salt).update(password).digest('hex');
  const other = `rpcauth=lnd:${salt}$${'ab'.repeat(32)}`;
  writeFileSync(conf, `server=1\nrpcauth=owner:${salt}$${hash}\n${other}\nprune=95000\n`);
  let running = '';
  const boot = (): void => {
    running = readFileSync(conf, 'utf8');
    writeFileSync(cookie, `__cookie__:${randomBytes(32).toString('hex')}`);
  };
  boot();

  const bitcoind = await listen((request, response, body) => {
    if (behaviour.bitcoind === 'down') return void request.socket.destroy();
    const login = Buffer.from((request.headers.authorization ?? '').replace(/^Basic /, ''), 'base64').toString('utf8');
    const [user = '', ...rest] = login.split(':');
    if (login !== readFileSync(cookie, 'utf8') && !isRpcAuth(running, user, rest.join(':')))
      return void response.writeHead(401).end();
    const { method, params } = JSON.parse(body) as { method: string; params: unknown[] };
    const say = (result: unknown, error: unknown = null): void =>
      void response.writeHead(error === null ? 200 : 500).end(JSON.stringify({ result, error, id: 'agent' }));
    if (behaviour.bitcoind === 'starting') return say(null, { code: -28, message: 'Loading block index…' });
    switch (method) {
      case 'getblockchaininfo': {
        const { chain, blocks, headers, progress, initialBlockDownload } = behaviour;
        return say({
          chain,
          blocks,
          headers,
          verificationprogress: progress,
          initialblockdownload: initialBlockDownload,
        });
      }
      case 'getnetworkinfo':
        return say({ subversion: '/Satoshi:31.0.0/', connections: behaviour.peers });
      case 'getpeerinfo':
        return say(
          Array.from({ length: behaviour.peers }, (_, index) => ({
            addr: `198.51.100.${index}:8333`,
            subver: '/Satoshi:30.0.0/',
            inbound: index > 5,
            pingtime: 0.05,
          })),
        );
      case 'getblockhash':
        return params[0] === 961_640
          ? say(behaviour.checkpointHash)
          : say(null, { code: -8, message: 'Block height out of range' });
      case 'uptime':
        return say(1);
      default:
        return say(null, { code: -32601, message: 'Method not found' });
    }
  });
  const lnd = await listen((request, response) => {
    if (behaviour.lnd === null) return void request.socket.destroy();
    response.end(JSON.stringify({ state: behaviour.lnd }));
  });
  const lnbits = await listen((request, response) => {
    if (!behaviour.lnbits) return void request.socket.destroy();
    response.end('{"server_time":1}');
  });

  const calls: string[][] = [];
  const control = await listen((_request, response, body) => {
    const [program = '', ...args] = JSON.parse(body) as string[];
    calls.push([program, ...args]);
    if (args.includes('logs') || program === 'journalctl') return void response.end(behaviour.logs);
    if (behaviour.restart === 'docker-fails') return void response.writeHead(500).end();
    if (behaviour.restart === 'works') boot();
    else behaviour.bitcoind = 'down';
    response.end();
  });
  const bin = join(root, 'bin');
  mkdirSync(bin);
  for (const program of ['docker', 'journalctl']) {
    writeFileSync(
      join(bin, program),
      `#!${process.execPath}
const body = JSON.stringify(['${program}', ...process.argv.slice(2)]);
fetch('${urlOf(control)}', { method: 'POST', body }).then(async (answer) => {
  process.stdout.write(await answer.text());
  process.exitCode = answer.ok ? 0 : 1;
});
`,
    );
    chmodSync(join(bin, program), 0o755);
  }

  return {
    services: {
      bitcoin_rpc_url: urlOf(bitcoind),
      bitcoin_cookie: cookie,
      bitcoin_conf: conf,
      lnd_rest_url: urlOf(lnd),
      lnbits_url: urlOf(lnbits),
      data_dir: root,
      compose: join(root, 'compose.yml'),
      checkpoint: { height: 961_640, hash: '0'.repeat(64) },
    },
    bin,
    conf,
    calls,
    behave: (change) => void Object.assign(behaviour, change),
    async letsIn(user, secret) {
      return isRpcAuth(running, user, secret);
    },
    async close() {
      for (const server of [bitcoind, lnd, lnbits, control]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}
