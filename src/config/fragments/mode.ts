import { choice, flag, path, text } from '../kinds.ts';

/** In which world this process runs. */
export const mode = {
  NODE_ENV: choice({
    about: '"production" refuses stubs and test devices.',
    words: ['development', 'test', 'production'],
    default: 'development',
    environmentOnly: true,
  }),
  TIMMY_CONFIG: path({ about: 'The settings file to read instead of config/timmy.toml.', environmentOnly: true }),
  TIMMY_CRASH_AT: text({
    about: 'Test device: the crash point at which the process kills itself. Refused in production.',
    max: 1000,
    environmentOnly: true,
  }),
  TIMMY_ALLOW_STUBS: flag({ about: 'Lets stubs stand in for outside services in production too.' }),
  TIMMY_NIP90: flag({
    about: 'Sells jobs as a data vending machine too (NIP-90): their statuses and prices are public.',
  }),
};
