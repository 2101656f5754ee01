import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A wallet of the real LNbits. */
export interface RealWallet {
  readonly id: string;
  readonly inkey: string;
  readonly adminkey: string;
}

export interface RealLnbits {
  readonly url: string;
  /** As it tells itself, in full. */
  readonly version: string;
  /** Which of the two lines the fake imitates this version belongs to. */
  readonly profile: '1.5' | '1.6';
  addWallet(name: string, fundSats: number): Promise<RealWallet>;
  /**
   * Gone until `back`. Its books stay; FakeWallet forgets the invoices that were open. From then on invoices that are
   * made with `internal` have another payee than the rest, as on every LNbits that has a real node.
   */
  away(): Promise<void>;
  back(): Promise<void>;
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 90_000;

/** The interpreter that has LNbits, as `run.sh` found or installed it. */
function python(): string {
  return process.env['LNBITS_PYTHON'] ?? join(process.cwd(), '.cache/lnbits/venv-1.6.2/bin/python');
}

/** A fresh LNbits on a data folder of its own, with FakeWallet behind it, asking nobody on the internet anything. Prints its version. */
export async function startRealLnbits(): Promise<RealLnbits> {
  const folder = await mkdtemp(join(tmpdir(), 'timmy-lnbits-'));
  await mkdir(join(folder, 'data'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let running: Run | null = null;
  const away = async (): Promise<void> => {
    await running?.end();
    running = null;
  };
  let lives = 0;
  const back = async (): Promise<void> => {
    if (running !== null) return;
    // Both keys come from one secret, but the node's was kept in its settings at the first start.
    running = launch(folder, port, lives++ === 0 ? 'the node' : 'internal invoices');
    await ready(url, running);
  };
  const stop = async (): Promise<void> => {
    await away();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await back();
    const token = await firstInstall(url);
    const { version } = (await call<{ info: { version: string } }>(`${url}/openapi.json`, 'GET', {})).info;
    process.stdout.write(`real LNbits: ${version}\n`);
    return {
      url,
      version,
      profile: version.startsWith('1.5.') ? '1.5' : '1.6',
      addWallet: async (name, fundSats) => {
        const wallet = await call<RealWallet>(`${url}/api/v1/account`, 'POST', {}, { name });
        await call(
          `${url}/users/api/v1/balance`,
          'PUT',
          { authorization: `Bearer ${token}` },
          { id: wallet.id, amount: fundSats },
        );
        return wallet;
      },
      away,
      back,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** One life of the server. */
interface Run {
  readonly child: ChildProcess;
  /** What it said on stderr, the end of it. */
  said(): string;
  end(): Promise<void>;
}

function launch(folder: string, port: number, secret: string): Run {
  // LNbits looks for lnbits/static below its working directory: the folder that holds the package.
  const purelib = execFileSync(python(), ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'])
    .toString()
    .trim();
  // One process only: the console script forks a child that survives it and keeps the port.
  const server = ['-m', 'uvicorn', 'lnbits.__main__:app', '--host', '127.0.0.1', '--port', String(port)];
  const child = spawn(python(), server, {
    cwd: purelib,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      PYTHONDONTWRITEBYTECODE: '1',
      LNBITS_BACKEND_WALLET_CLASS: 'FakeWallet',
      FAKE_WALLET_SECRET: secret,
      LNBITS_DATA_FOLDER: join(folder, 'data'),
      LNBITS_EXTENSIONS_PATH: join(folder, 'extensions'),
      LNBITS_EXTENSIONS_DEACTIVATE_ALL: 'true',
      LNBITS_ADMIN_UI: 'true',
      LNBITS_RATE_LIMIT_NO: '100000',
      AUTH_SECRET_KEY: 'timmy-contract-test-secret-key',
      LNBITS_PRICE_AGGREGATOR_ENABLED: 'false',
      LNBITS_EXCHANGE_RATE_PROVIDERS: '[]',
      LNBITS_EXTENSIONS_MANIFESTS: '[]',
      LNBITS_WASM_EXTENSIONS_MANIFESTS: '[]',
    },
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-3000)));
  return { child, said: () => said, end: () => ended(child) };
}

async function ready(url: string, { child, said }: Run): Promise<void> {
  const until = Date.now() + READY_WITHIN_MS;
  while (Date.now() < until) {
    if (child.exitCode !== null) throw new Error(`LNbits ended with ${child.exitCode}:\n${said()}`);
    const status = await fetch(`${url}/api/v1/health`, { redirect: 'manual' }).then(
      (answer) => answer.status,
      () => 0,
    );
    // 307: it waits for its first install.
    if (status === 200 || status === 307) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`LNbits was not ready in time:\n${said()}`);
}

async function firstInstall(url: string): Promise<string> {
  const password = 'contract-test-only';
  const body = { username: 'timmy', password, password_repeat: password };
  const { access_token } = await call<{ access_token: string }>(`${url}/api/v1/auth/first_install`, 'PUT', {}, body);
  return access_token;
}

/** One JSON call of the operator's; anything but success is an error with LNbits' own words. */
async function call<T>(url: string, method: string, headers: Record<string, string>, body?: unknown): Promise<T> {
  const answer = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${new URL(url).pathname}: ${answer.status} ${text}`);
  return JSON.parse(text) as T;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await gone;
  clearTimeout(hard);
}
