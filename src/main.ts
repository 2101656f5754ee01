import { createProgram, Failure, runCli, type Cli } from './cli/run.ts';
import { register } from './cli/index.ts';
import { systemClock, systemRng } from './app/system.ts';
import { connectRelays } from './app/connect.ts';
import { describeStubPayment, payStub } from './app/pay-stub.ts';
import { settingsOf } from './cli/customer/address-options.ts';

// Nothing Timmy writes is for other users of the machine.
process.umask(0o077);

// Who reads only the first lines (`| head`) has what they wanted.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const cli: Cli = {
  clock: systemClock,
  rng: systemRng,
  env: process.env,
  cwd: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  connect: connectRelays,
  payStub: (bolt11) => {
    const { paid, words } = describeStubPayment(payStub(settingsOf(cli), bolt11));
    return paid ? Promise.resolve(words) : Promise.reject(new Failure(words));
  },
};
const program = createProgram(cli);
register(program, cli);
process.exitCode = await runCli(program, process.argv.slice(2), cli);
