import type { Command } from 'commander';
import type { Cli } from './run.ts';
export function registerVerify(_program: Command, _cli: Cli): void {}
