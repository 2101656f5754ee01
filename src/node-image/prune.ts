/** From here on the disk takes the whole chain (about 810 GB, chainstate included, growing by some 70 GB a year). */
const WHOLE_CHAIN_GB = 1000;
const BESIDE_THE_BLOCKS_GB = 50;
const STEP_MIB = 5000;

/**
 * How much of the chain's blocks is kept on a disk of so many gigabytes, as bitcoind's `prune` in MiB; 0: all. What it
 * leaves free is for the chainstate, the system, swap, images and LND. Source: reference of Bootstrap, §5.
 */
export function pruneMib(diskGb: number): number {
  if (diskGb >= WHOLE_CHAIN_GB) return 0;
  const room = Math.floor(((diskGb - BESIDE_THE_BLOCKS_GB) * 900) / STEP_MIB) * STEP_MIB;
  return Math.max(STEP_MIB, room);
}
