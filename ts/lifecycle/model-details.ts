import type { TemplateVerdict } from '../chat/index.ts';
import { type InstallRecord, type ModelProfile, modelFormat } from '../library/index.ts';
import type { CachedHeader } from './header-cache.ts';
import type { ModelParameters } from './model-parameters.ts';
import type { Capability, ModelDetails } from './types.ts';

export function modelDetails(
  header: CachedHeader,
  verdict: TemplateVerdict | undefined,
  parameters: ModelParameters,
  profile: ModelProfile | undefined,
  tensors: ModelDetails['tensors'],
): ModelDetails {
  const capabilities = new Set<Capability>(header.capabilities);
  if (verdict !== undefined && 'abilities' in verdict) {
    if (verdict.abilities.tools) capabilities.add('tools');
    if (verdict.abilities.thinking) capabilities.add('thinking');
    if (verdict.abilities.insert) capabilities.add('insert');
  }
  const license = profile?.license?.join('\n\n') ?? header.metadata['general.license'];
  const template = profile?.template ?? header.chatTemplate;
  return {
    format: header.format,
    family: header.architecture,
    parameterSize: parameterSize(header.parameterCount),
    parameterCount: header.parameterCount,
    quantization: header.quantization,
    trainedContextLength: header.trainedContextLength,
    embeddingLength: header.embeddingLength,
    capabilities: [...capabilities],
    ...(verdict !== undefined && 'abilities' in verdict && verdict.abilities.insert ? { insertsByTemplate: true } : {}),
    ...(template === undefined ? {} : { chatTemplate: template }),
    ...(verdict !== undefined && 'unusable' in verdict ? { templateProblem: verdict.unusable } : {}),
    parameters: { ...parameters, ...profile?.parameters },
    metadata: header.metadata,
    tensors,
    ...(typeof license === 'string' ? { license } : {}),
  };
}

/** What the record alone tells, for lists that must not wait or fail because of one damaged file. */
export function detailsWithoutHeader(record: InstallRecord, tensors: ModelDetails['tensors']): ModelDetails {
  return {
    format: modelFormat(record),
    family: '',
    parameterSize: '',
    parameterCount: 0,
    quantization: 'unknown',
    trainedContextLength: 0,
    embeddingLength: 0,
    capabilities: ['completion'],
    parameters: {},
    metadata: {},
    tensors,
  };
}

/** As Ollama shows it: `8.0B`, `494.03M`, `260K`. */
export function parameterSize(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)}B`;
  if (count >= 1e6) return `${(count / 1e6).toFixed(2)}M`;
  if (count >= 1e3) return `${(count / 1e3).toFixed(0)}K`;
  return String(count);
}
