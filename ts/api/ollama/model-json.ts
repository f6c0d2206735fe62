import type { InstalledModel, ModelDetails, RunningModel } from '../../lifecycle/index.ts';

/** Ollama shows "forever" as a time about 292 years ahead; its CLI prints Forever beyond 20. */
const FOREVER_MS = 292 * 365.25 * 24 * 3600 * 1000;

export function detailsJson(details: ModelDetails, parent = ''): object {
  return {
    parent_model: parent,
    format: details.format,
    family: details.family,
    families: [details.family],
    parameter_size: details.parameterSize,
    quantization_level: details.quantization,
    context_length: details.trainedContextLength,
    embedding_length: details.embeddingLength,
  };
}

export function tagJson(model: InstalledModel): object {
  return {
    name: model.name,
    model: model.name,
    modified_at: model.record.installedAt,
    size: model.record.sizeBytes,
    digest: model.record.digest,
    details: detailsJson(model.details, model.record.profile?.parent),
    capabilities: model.details.capabilities,
  };
}

export function runningJson(running: RunningModel, keepAliveMs: number, now = Date.now()): object {
  const memory = running.info?.memory;
  const size = memory?.totalBytes ?? running.record.sizeBytes;
  const onGpu = running.info !== undefined && running.info.device !== 'cpu';
  return {
    name: running.name,
    model: running.name,
    size,
    digest: running.record.digest,
    details: detailsJson(running.details),
    expires_at: expiry(running, keepAliveMs, now),
    size_vram: onGpu ? size : 0,
    context_length: running.info?.contextLength ?? running.details.trainedContextLength,
  };
}

/** A busy or loading model has no deadline yet: its clock starts when the last answer ends. */
function expiry(running: RunningModel, keepAliveMs: number, now: number): string {
  if (running.state === 'stopping') return new Date(now - 1000).toISOString();
  const at = running.expiresAt ?? now + keepAliveMs;
  return new Date(Math.min(at, now + FOREVER_MS)).toISOString();
}
