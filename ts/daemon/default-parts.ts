import type { Config } from '../config/index.ts';
import { OmgError } from '../errors/index.ts';
import type { ModelHub } from '../hub/index.ts';
import type { Engine } from '../inference/index.ts';
import type { Log } from './log.ts';

export async function createEngine(_log: Log): Promise<Engine> {
  throw new OmgError('addon_unavailable', 'not wired yet');
}

export async function createHub(_config: Config): Promise<Pick<ModelHub, 'pull' | 'search'>> {
  throw new OmgError('hub_unreachable', 'not wired yet');
}
