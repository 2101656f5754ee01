import { int, path } from '../kinds.ts';

/** Where the state lives, and for how long texts stay in it. */
export const data = {
  TIMMY_DATA_DIR: path({ about: 'Directory of the database and its backups (mode 0700).', default: './data' }),
  DISK_FLOOR_MB: int({
    about: 'With less free space on the disk nothing is sold and no message taken in, until there is more.',
    unit: 'MB',
    default: 500,
    min: 0,
    max: 1_000_000,
  }),
  TIMMY_RETENTION_DAYS: int({
    about: 'After this the texts of requests and answers are erased; the books stay.',
    unit: 'days',
    default: 30,
    min: 1,
    max: 3650,
  }),
};
