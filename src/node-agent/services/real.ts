import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { sleep, type Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { Rng } from '../../lib/rng.ts';
import { readText, writeDurably } from '../durable-file.ts';
import { diskOf } from '../host.ts';
import type { ServicesFile } from '../node-file.ts';
import type { Pace } from '../pace.ts';
import type { NodePaths } from '../paths.ts';
import { parseObject, textOf } from '../reading.ts';
import { Bitcoind } from './bitcoind.ts';
import { lastLines, restartService } from './compose.ts';
import { httpCall } from './http-call.ts';
import { findRpcAuth, newPassword, newSalt, rpcAuthLine, withLine } from './rpc-auth.ts';
import type { Services } from './services.ts';

/** How often a restarted bitcoind is asked whether it lets somebody in: about ten minutes. */
const LOGIN_TRIES = 120;
const LOGIN_EVERY_MS = 5_000;

/** bitcoind, LND and LNbits by their HTTP interfaces, docker by its command. */
export function createRealServices(
  services: ServicesFile,
  paths: NodePaths,
  { clock, rng, log, pace, stop }: { clock: Clock; rng: Rng; log: Log; pace: Pace; stop: AbortSignal },
): Services {
  const bitcoind = new Bitcoind(services, clock);

  async function lndState(): Promise<string | null> {
    const answer = await httpCall(clock, `${services.lndRestUrl}/v1/state`);
    return answer?.status === 200 ? textOf(parseObject(answer.body)?.['state'], 40) : null;
  }

  async function letsIn(login: { user: string; password: string }): Promise<boolean> {
    for (let tries = 0; tries < LOGIN_TRIES && !stop.aborted; tries++) {
      const { kind } = await bitcoind.call('uptime', [], login);
      if (kind === 'denied') return false;
      if (kind !== 'down') return true; // an error, or its start, is said to who was let in
      await sleep(clock, (LOGIN_EVERY_MS / 1000) * pace.secondMs, stop);
    }
    return false;
  }

  return {
    async look() {
      const [node, lnd, lnbits] = await Promise.all([
        bitcoind.look(),
        lndState(),
        httpCall(clock, `${services.lnbitsUrl}/api/v1/health`),
      ]);
      return {
        bitcoind: node,
        lnd,
        lnbits: lnbits?.status === 200,
        disk: diskOf(services.dataDir),
        isClockSet: existsSync(paths.clockSet) || !existsSync(dirname(paths.clockSet)),
      };
    },
    peers: () => bitcoind.peers(),
    restart: (service) => restartService(services.compose, service, log),
    logs: (source, lines) => lastLines(services.compose, source, lines, log),
    planRpcChange(user) {
      const found = findRpcAuth(readText(services.bitcoinConf) ?? '', user);
      if (found === null) return null;
      const password = newPassword(rng);
      const newLine = rpcAuthLine(found.user, newSalt(rng), password);
      return { url: services.bitcoinRpcUrl, user: found.user, password, oldLine: found.line, newLine };
    },
    async setRpcLine(line, instead, login) {
      const conf = readText(services.bitcoinConf);
      const changed = conf === null ? null : withLine(conf, line, instead);
      if (changed === null) return false;
      if (changed !== conf) writeDurably(services.bitcoinConf, changed, statSync(services.bitcoinConf).mode & 0o777);
      if (!(await restartService(services.compose, 'bitcoin', log))) return false;
      return login === null || letsIn(login);
    },
  };
}
