import type { FastifyInstance } from 'fastify';
import { OmgError } from '../../errors/index.ts';
import type { InstalledModel, Models } from '../../lifecycle/index.ts';
import { kindOf } from '../wire/index.ts';

/** GET /v1/models, GET and DELETE /v1/models/{id…}; ids hold slashes, raw or encoded. */
export function modelRoutes(app: FastifyInstance, models: Models): void {
  app.get('/v1/models', async () => {
    const states = new Map(models.running().map((running) => [running.record.digest, running.state]));
    return {
      object: 'list',
      data: (await models.list()).map((model) => modelJson(model, states.get(model.record.digest))),
    };
  });
  app.get<{ Params: { '*': string } }>('/v1/models/*', async (request) => {
    const model = await models.resolve(modelId(request.params['*']));
    const running = models.running().find(({ record }) => record.digest === model.record.digest);
    return modelJson(model, running?.state);
  });
  app.delete<{ Params: { '*': string } }>('/v1/models/*', async (request) => {
    const id = modelId(request.params['*']);
    await models.remove(id);
    return { id, object: 'model', deleted: true };
  });
}

function modelId(param: string): string {
  if (param === '') throw new OmgError('invalid_request', 'The path lacks a model id.', { detail: { param: 'model' } });
  return param;
}

function modelJson(model: InstalledModel, state: string | undefined): object {
  const { record, details } = model;
  return {
    // Without `:latest`, so that repository ids and clients that compare exactly find their model.
    id: model.name.replace(/:latest$/, ''),
    object: 'model',
    created: Math.floor(Date.parse(record.installedAt) / 1000),
    owned_by: record.name.namespace === '' ? 'library' : record.name.namespace,
    state: state ?? 'installed',
    kind: kindOf(model),
    capabilities: details.capabilities,
    modalities: details.capabilities.includes('vision') ? ['text', 'image'] : ['text'],
    context_length: details.trainedContextLength,
    dmr: {
      context_window: details.trainedContextLength,
      architecture: details.family,
      parameters: details.parameterSize,
      quantization: details.quantization,
      size: displaySize(record.sizeBytes),
    },
  };
}

function displaySize(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(2)} MB`;
}
