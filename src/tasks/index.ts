/** Durable tasks: everything Timmy owes the world survives a crash, and is done once. */
export { schedule, cancelTask, hasten, countTasks, type NewTask, type TaskCounts } from './store.ts';
export { putBackDueDates } from './shift.ts';
export { RunAgain, type Commit, type Pool, type Task, type TaskKind } from './task.ts';
export { createWorker, type Worker } from './worker.ts';
