import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the fake answers from now on. `hang` never answers. */
export type PriceScript =
  | { readonly do: 'price'; readonly usd: number }
  /** Any JSON text, sent as it is: `{"bitcoin":{"usd":"1"}}`, `NaN`, half an object. */
  | { readonly do: 'body'; readonly body: string }
  | { readonly do: 'status'; readonly status: number }
  | { readonly do: 'hang' | 'reset' | 'huge' | 'redirect' };

export interface FakePrice {
  /** Its simple-price URL, query included, as `BTC_PRICE_URL` takes it. */
  readonly url: string;
  readonly requests: () => number;
  set(script: PriceScript): void;
  close(): Promise<void>;
}

/** A price source on 127.0.0.1 in CoinGecko's simple-price form; 100000 USD unless told otherwise. */
export async function startFakePrice(usd = 100_000): Promise<FakePrice> {
  let script: PriceScript = { do: 'price', usd };
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    request.resume();
    reply(script, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/api/v3/simple/price?ids=bitcoin&vs_currencies=usd`,
    requests: () => requests,
    set: (next) => void (script = next),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function reply(script: PriceScript, response: ServerResponse): void {
  response.setHeader('content-type', 'application/json');
  switch (script.do) {
    case 'price':
      return void response.end(JSON.stringify({ bitcoin: { usd: script.usd } }));
    case 'body':
      return void response.end(script.body);
    case 'status':
      response.statusCode = script.status;
      return void response.end('{"bitcoin":{"usd":1}}');
    case 'huge':
      return void response.end(`{"bitcoin":{"usd":100000},"more":"${'x'.repeat(100_000)}"}`);
    case 'redirect':
      response.writeHead(302, { location: '/elsewhere' });
      return void response.end();
    case 'reset':
      return void response.destroy();
    case 'hang':
      return;
  }
}
