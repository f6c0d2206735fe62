import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { VERSION } from '../../config/index.ts';
import { OmgError } from '../../errors/index.ts';
import type { DeviceInfo } from '../../inference/index.ts';
import { mayManage } from '../wire/index.ts';
import type { ManagementDeps } from './ports.ts';

/** health, status, hardware, search, shutdown. */
export function systemRoutes(app: FastifyInstance, deps: ManagementDeps): void {
  const health = async (): Promise<object> => ({ status: 'ok', version: VERSION });
  app.get('/health', health);
  app.get('/ohmygpu/v1/health', health);
  app.get('/version', async () => ({ version: VERSION }));
  app.get('/ohmygpu/v1/status', (request) => status(deps, request));
  app.get('/ohmygpu/v1/hardware', () => hardware(deps));
  app.get<{ Querystring: { q?: string; limit?: string } }>('/ohmygpu/v1/search', async (request) => {
    const { q = '', limit = '20' } = request.query;
    const count = Number(limit);
    if (q.trim() === '') throw new OmgError('invalid_request', 'q is required', { detail: { param: 'q' } });
    if (!Number.isInteger(count) || count < 1 || count > 100) {
      throw new OmgError('invalid_request', 'limit must be a whole number from 1 to 100', {
        detail: { param: 'limit' },
      });
    }
    return { models: await deps.search(q.trim(), count, AbortSignal.timeout(30_000)) };
  });
  app.post('/ohmygpu/v1/shutdown', async (_request, reply) => {
    reply.raw.once('finish', () => deps.shutdown());
    return reply.code(202).send({ status: 'stopping' });
  });
}

/** Where things lie, and how the daemon was started, is told to those who may manage it. */
async function status(deps: ManagementDeps, request: FastifyRequest): Promise<object> {
  const { models, config, endpoint } = deps;
  const { paths } = config.current();
  const { socket, ...address } = endpoint();
  const [installed, devices] = await Promise.all([models.list(), deps.devices().catch((): DeviceInfo[] => [])]);
  return {
    status: 'ok',
    version: VERSION,
    uptime_seconds: Math.floor(process.uptime()),
    ...address,
    ...(mayManage(request)
      ? {
          pid: process.pid,
          socket,
          data_dir: paths.home,
          models_dir: paths.models,
          arguments: process.argv.slice(2),
        }
      : {}),
    backends: [
      { id: 'candle', available: devices.length > 0, version: VERSION, device: accelerator(devices)?.id ?? 'cpu' },
    ],
    models: {
      installed: installed.length,
      running: models.running().map(({ name }) => name),
      downloading: models.pulls().map(({ model }) => model),
    },
  };
}

async function hardware(deps: ManagementDeps): Promise<object> {
  const devices = await deps.devices();
  const cpu = devices.find(({ kind }) => kind === 'cpu');
  return {
    platform: process.platform,
    arch: process.arch,
    cpu: {
      model: cpu?.name ?? cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      features: cpu?.features ?? [],
    },
    memory: { total: totalmem(), free: cpu?.freeMemoryBytes ?? freemem() },
    gpus: devices
      .filter(({ kind }) => kind !== 'cpu')
      .map(({ kind, name, memoryBytes, freeMemoryBytes }) => ({
        vendor: kind === 'cuda' ? 'nvidia' : 'apple',
        name,
        memory_total: memoryBytes,
        memory_free: freeMemoryBytes,
      })),
    acceleration: accelerator(devices)?.kind ?? 'cpu',
  };
}

function accelerator(devices: DeviceInfo[]): DeviceInfo | undefined {
  return devices.find(({ kind }) => kind !== 'cpu');
}
