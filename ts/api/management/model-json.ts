import type { InstalledModel, PullJob, RunningModel } from '../../lifecycle/index.ts';
import { kindOf, progressDigest } from '../wire/index.ts';

export interface ModelView {
  running?: RunningModel;
  pull?: PullJob;
  /** Whether where it lies, and in which process it runs, is shown. */
  withPlaces: boolean;
}

/** A model with everything that is known about it. */
export function modelJson(model: InstalledModel, { running, pull, withPlaces }: ModelView): object {
  const { record, details } = model;
  const { source } = record;
  return {
    id: model.name.replace(/:latest$/, ''),
    name: model.name,
    state: running?.state ?? (pull === undefined ? 'installed' : 'downloading'),
    kind: kindOf(model),
    capabilities: details.capabilities,
    ...(model.problem === undefined ? {} : { problem: model.problem }),
    ...(details.templateProblem === undefined ? {} : { template_problem: details.templateProblem }),
    modalities: details.capabilities.includes('vision') ? ['text', 'image'] : ['text'],
    context_length: details.trainedContextLength,
    family: details.family,
    format: details.format,
    parameter_size: details.parameterSize,
    quantization: details.quantization,
    size: record.sizeBytes,
    digest: record.digest,
    ...(withPlaces ? { path: record.localPath } : {}),
    installed_at: record.installedAt,
    source: {
      provider: source.scheme,
      // What was imported, or came with the program, has the path it came from here.
      repo: withPlaces || !['local', 'bundled'].includes(source.scheme) ? source.reference : null,
      revision: source.revision.branch,
      commit: source.revision.resolvedCommit ?? null,
    },
    components: record.components,
    files: record.artifacts.map(({ filename, size, sha256 }) => ({ name: filename, size, sha256 })),
    ...(running === undefined ? {} : { runtime: runtimeJson(running, withPlaces) }),
    ...(pull === undefined ? {} : { download: pullJson(pull) }),
  };
}

function runtimeJson(running: RunningModel, withPlaces: boolean): object {
  const { info, pid, expiresAt, engine } = running;
  return {
    context_length: info?.contextLength ?? null,
    device: info?.device ?? null,
    engine:
      engine === undefined ? null : { kind: engine.kind, version: engine.version, capabilities: engine.capabilities },
    memory: info?.memory.totalBytes ?? null,
    ...(withPlaces ? { pid: pid ?? null } : {}),
    expires_at: expiresAt === undefined || !Number.isFinite(expiresAt) ? null : new Date(expiresAt).toISOString(),
    /** Loaded until it is stopped. */
    forever: expiresAt === Number.POSITIVE_INFINITY,
    active_requests: running.activeRequests,
    queued_requests: running.queuedRequests,
  };
}

/** A pull as it stands now. */
export function pullJson({ id, model, state }: PullJob): object {
  const { status, progress, error } = state;
  return {
    id,
    model,
    status,
    completed: progress.completedBytes,
    total: progress.totalBytes,
    files: progress.files.map(({ filename, sha256, size, completedBytes, cached }) => ({
      name: filename,
      digest: progressDigest(filename, sha256),
      completed: completedBytes,
      total: size,
      cached,
    })),
    ...(error === undefined ? {} : { error }),
  };
}
