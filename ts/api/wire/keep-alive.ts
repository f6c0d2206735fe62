import type { FastifyRequest } from 'fastify';
import { parseKeepAlive } from '../../config/index.ts';
import { mayManage } from './caller.ts';

/**
 * How long the model stays after this request, in milliseconds; undefined: what holds already. Only who may manage models decides it with a
 * `keep_alive`, for it keeps a model in memory or takes it from others. Throws `invalid_request` for one that cannot be read.
 */
export function keepAliveOf(request: FastifyRequest, value: unknown): number | undefined {
  const asked = parseKeepAlive(value);
  return mayManage(request) ? asked : undefined;
}
