import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** What the fake does from now on, honest unless told otherwise. */
export type LnurlScript =
  | { readonly do: 'honest' }
  /** Fields of the payRequest, replaced. */
  | { readonly do: 'pay-request'; readonly changes: Readonly<Record<string, unknown>> }
  /** The callback's whole answer. */
  | { readonly do: 'callback'; readonly answer: unknown }
  /** Both endpoints answer this, as it is. */
  | { readonly do: 'body'; readonly body: string; readonly status?: number }
  | { readonly do: 'redirect'; readonly to: string }
  /** Never answers; sends headers and then a byte now and then; sends without end; closes at once or midway. */
  | { readonly do: 'hang' | 'drip' | 'flood' | 'reset' | 'reset-midway' };

export interface FakeLnurl {
  /** `me@127.0.0.1:port` (`me@pay.example:port` with TLS). */
  readonly address: string;
  readonly url: string;
  readonly port: number;
  /** Method, path, Host header and TLS server name of everything asked, oldest first. */
  readonly requests: readonly { path: string; host: string | undefined; serverName: string | null }[];
  /** Invoices handed out, with the amounts asked for. */
  readonly invoices: readonly { amountMsats: bigint; bolt11: string }[];
  set(script: LnurlScript): void;
  close(): Promise<void>;
}

export interface FakeLnurlOptions {
  /** A real invoice for so many msats; by default a string with the right amount in front and nothing behind it. */
  readonly makeInvoice?: (amountMsats: bigint) => string | Promise<string>;
  /** Serve https as `pay.example`, with the certificate of `TEST_CERTIFICATE`. */
  readonly tls?: boolean;
}

/** A Lightning-address host on 127.0.0.1 (LUD-06, LUD-16), as kind or as hostile as its script. */
export async function startFakeLnurl(options: FakeLnurlOptions = {}): Promise<FakeLnurl> {
  let script: LnurlScript = { do: 'honest' };
  const requests: { path: string; host: string | undefined; serverName: string | null }[] = [];
  const invoices: { amountMsats: bigint; bolt11: string }[] = [];
  const makeInvoice = options.makeInvoice ?? plausibleInvoice;
  const timers = new Set<NodeJS.Timeout>();

  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const path = request.url ?? '';
    const { servername } = request.socket as { servername?: string | false };
    requests.push({ path, host: request.headers.host, serverName: typeof servername === 'string' ? servername : null });
    request.resume();
    if (misbehave(script, response, timers)) return;
    void answer(path, response).catch(() => response.destroy());
  };

  async function answer(path: string, response: ServerResponse): Promise<void> {
    const url = new URL(path, base);
    if (url.pathname === '/callback') {
      if (script.do === 'callback') return json(response, script.answer);
      const amountMsats = BigInt(url.searchParams.get('amount') ?? '0');
      const bolt11 = await makeInvoice(amountMsats);
      invoices.push({ amountMsats, bolt11 });
      return json(response, { pr: bolt11, routes: [] });
    }
    if (!url.pathname.startsWith('/.well-known/lnurlp/me')) {
      response.statusCode = 404;
      return json(response, { status: 'ERROR', reason: 'no such user' });
    }
    json(response, {
      tag: 'payRequest',
      callback: `${base}/callback?id=1`,
      minSendable: 1000,
      maxSendable: 100_000_000,
      metadata: JSON.stringify([
        ['text/plain', 'to me'],
        ['text/identifier', `me@${new URL(base).host}`],
      ]),
      ...(script.do === 'pay-request' ? script.changes : {}),
    });
  }

  const server =
    options.tls === true
      ? createHttpsServer({ key: TEST_KEY, cert: TEST_CERTIFICATE }, handle)
      : createHttpServer(handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const base = options.tls === true ? `https://pay.example:${port}` : `http://127.0.0.1:${port}`;
  return {
    address: `me@${new URL(base).host}`,
    url: `${base}/.well-known/lnurlp/me`,
    port,
    requests,
    invoices,
    set: (next) => void (script = next),
    close: () =>
      new Promise((resolve) => {
        timers.forEach(clearInterval);
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** True when the script has dealt with the request itself. */
function misbehave(script: LnurlScript, response: ServerResponse, timers: Set<NodeJS.Timeout>): boolean {
  switch (script.do) {
    case 'body':
      response.statusCode = script.status ?? 200;
      response.end(script.body);
      return true;
    case 'redirect':
      response.writeHead(302, { location: script.to });
      response.end();
      return true;
    case 'hang':
      return true;
    case 'reset':
      response.destroy();
      return true;
    case 'reset-midway':
      response.writeHead(200, { 'content-length': '1000' });
      response.write('{"tag":', () => response.destroy());
      return true;
    case 'drip':
      response.writeHead(200);
      response.write('{');
      timers.add(setInterval(() => response.write(' '), 20));
      return true;
    case 'flood':
      response.writeHead(200);
      response.write('x'.repeat(200_000));
      timers.add(setInterval(() => response.write('x'.repeat(10_000)), 20));
      return true;
    default:
      return false;
  }
}

function plausibleInvoice(amountMsats: bigint): string {
  return `lnbcrt${amountMsats * 10n}p1${'q'.repeat(100)}`;
}

function json(response: ServerResponse, body: unknown): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(body));
}

/** For `pay.example` only, trusted by nobody but the tests that name it. */
export const TEST_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBZzCCAQ2gAwIBAgIBATAKBggqhkjOPQQDAjAWMRQwEgYDVQQDDAtwYXkuZXhh
bXBsZTAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowFjEUMBIGA1UE
AwwLcGF5LmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAS0KAlKKmin
lqihzrm5CxQ0WYgOyAxBQGoXae9XBc9arcI7YKLr1JmLgcsMtJjn1WpKnri5Qgi7
fBAwTfVhvVkeo0owSDAPBgNVHRMBAf8EBTADAQH/MBYGA1UdEQQPMA2CC3BheS5l
eGFtcGxlMB0GA1UdDgQWBBR0NsL+G1MT30sos1eD7Bx9sLfFMzAKBggqhkjOPQQD
AgNIADBFAiEAuEfg3F3U5RNWwmwBxHsxwY30eRVT7SlVKXO5z9mwEuYCIF1FIA+g
prBOyYGxFyFPxmw8TVTsEwY0LaQXT8lPeANw
-----END CERTIFICATE-----
`;

const TEST_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgoLpSzx0gny1Maulk
/7P5DigBQBp7Gg1Mu51EzUhp1mOhRANCAAS0KAlKKminlqihzrm5CxQ0WYgOyAxB
QGoXae9XBc9arcI7YKLr1JmLgcsMtJjn1WpKnri5Qgi7fBAwTfVhvVke
-----END PRIVATE KEY-----
`;
