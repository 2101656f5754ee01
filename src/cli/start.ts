import type { Command } from 'commander';
import { createLog } from '../app/log-sink.ts';
import { startDaemon } from '../app/daemon.ts';
import { VERSION } from '../app/version.ts';
import { loadSettings, scrubSecrets } from '../config/index.ts';
import { errorFields } from '../lib/log.ts';
import { say } from './output.ts';
import { devSecretKey, ownSecretKey } from './own-key.ts';
import type { Cli } from './run.ts';
import { describeTrouble } from './trouble.ts';

/** `timmy start [--dev]`: the daemon, in the foreground, until SIGTERM. */
export function registerStart(program: Command, cli: Cli): void {
  program
    .command('start')
    .description('run Timmy in the foreground')
    .option(
      '--dev',
      'with an embedded relay on 127.0.0.1, and a key of its own in the data directory where none is configured',
    )
    .action(async (options: { dev?: true }) => {
      const dev = options.dev === true;
      const settings = loadSettings({ env: cli.env, cwd: cli.cwd, warn: (warning) => say(cli, warning) });
      const secretKey = dev ? devSecretKey(settings, cli.rng) : ownSecretKey(settings);
      scrubSecrets(process.env);
      const log = createLog({
        level: settings.TIMMY_LOG_LEVEL,
        stream: cli.stdout,
        pretty: cli.stdout.isTTY,
        clock: cli.clock,
      });
      const { clock, rng } = cli;
      const relaysNamed = (cli.env['TIMMY_RELAYS'] ?? '') !== '';
      // A bug we do not know: stop at once, be restarted, recover. Nothing is lost by it.
      for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
        process.on(event, (error: unknown) => {
          const trouble = describeTrouble(error);
          if (trouble === null) log.error('process.bug', { event, ...errorFields(error) });
          else log.error('process.trouble', { ...errorFields(error), mend: trouble });
          process.exit(1);
        });
      }
      const daemon = await startDaemon({ settings, secretKey, clock, rng, log, version: VERSION, dev, relaysNamed });
      await new Promise<void>((resolve) => {
        process.once('SIGTERM', () => resolve());
        process.once('SIGINT', () => resolve());
      });
      await daemon.stop();
    });
}
