import { basename } from 'node:path';
import type { Config } from '../config/index.ts';
import { RunnerEngine } from '../engine/index.ts';
import { OmgError } from '../errors/index.ts';
import type { ModelHub } from '../hub/index.ts';
import type { Engine } from '../inference/index.ts';
import type { Log } from './log.ts';

export async function createEngine(log: Log): Promise<Engine> {
  return new RunnerEngine({
    onStderr: (line, runner) => log.info({ pid: runner.pid, model: basename(runner.model) }, line),
  });
}

export async function createHub(_config: Config): Promise<Pick<ModelHub, 'pull' | 'search'>> {
  throw new OmgError('hub_unreachable', 'not wired yet');
}
