/** Durable tasks: everything Timmy owes the world survives a crash, and is done once. */
export { schedule, cancelTask, hasten, countTasks, deadTasks, type NewTask, type TaskCounts } from './store.ts';
export { WIDTHS, type Pool } from './pools.ts';
export { RunAgain, type Commit, type LaneRule, type Task, type TaskKind } from './task.ts';
export { putBackDueDates } from './shift.ts';
export { createWorker, type Worker } from './worker.ts';
