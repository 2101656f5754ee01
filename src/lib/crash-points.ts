/**
 * The named moments at which a test kills the process (SIGKILL) to see that nothing is lost or doubled.
 * A port like the clock: the daemon's does nothing unless a test asked for a point by name.
 */
export type ReachCrashPoint = (point: string) => void;

/** The port of everything that never crashes on purpose. */
export const noCrashPoints: ReachCrashPoint = () => {};
