import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
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
  readonly version: string;
  addWallet(name: string, fundSats: number): Promise<RealWallet>;
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 90_000;

/** The interpreter that has LNbits, as `run.sh` found or installed it. */
function python(): string {
  return process.env['LNBITS_PYTHON'] ?? join(process.cwd(), '.cache/lnbits/venv-1.6.2/bin/python');
}

/** A fresh LNbits on a data folder of its own, with FakeWallet behind it, asking nobody on the internet anything. */
export async function startRealLnbits(): Promise<RealLnbits> {
  const folder = await mkdtemp(join(tmpdir(), 'timmy-lnbits-'));
  await mkdir(join(folder, 'data'));
  const port = await freePort();
  // LNbits looks for lnbits/static below its working directory: the folder that holds the package.
  const purelib = execFileSync(python(), ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'])
    .toString()
    .trim();
  // One process only: the console script forks a child that survives it and keeps the port.
  const child = spawn(
    python(),
    ['-m', 'uvicorn', 'lnbits.__main__:app', '--host', '127.0.0.1', '--port', String(port)],
    {
      cwd: purelib,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        HOME: folder,
        PYTHONDONTWRITEBYTECODE: '1',
        LNBITS_BACKEND_WALLET_CLASS: 'FakeWallet',
        FAKE_WALLET_SECRET: 'timmy contract test',
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
    },
  );
  const errors: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
  const url = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    await ended(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await ready(url, child);
    const token = await firstInstall(url);
    const openapi = await call<{ info: { version: string } }>(`${url}/openapi.json`, 'GET', {});
    return {
      url,
      version: openapi.info.version,
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
      stop,
    };
  } catch (error) {
    await stop();
    throw new Error(`LNbits did not start:\n${errors.join('').slice(-3000)}`, { cause: error });
  }
}

async function ready(url: string, child: ChildProcess): Promise<void> {
  const until = Date.now() + READY_WITHIN_MS;
  while (Date.now() < until) {
    if (child.exitCode !== null) throw new Error(`exited with ${child.exitCode}`);
    const status = await fetch(`${url}/api/v1/health`, { redirect: 'manual' }).then(
      (answer) => answer.status,
      () => 0,
    );
    // 307: it waits for its first install.
    if (status === 200 || status === 307) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error('not ready in time');
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
