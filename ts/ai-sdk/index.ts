import { createOpenAICompatible, type OpenAICompatibleProvider } from '@ai-sdk/openai-compatible';
import { environmentAddress } from '../config/index.ts';

export interface OhMyGpuProviderSettings {
  /** With `/v1`; absent: the daemon that `OMG_HOST` and `OMG_PORT` name, else the one of this machine. */
  baseURL?: string;
  /** Absent: `OMG_API_KEY`. */
  apiKey?: string;
  headers?: Record<string, string>;
  fetch?: typeof globalThis.fetch;
}

/** Models of a daemon for the AI SDK: `ohmygpu('demo')`, `ohmygpu.embeddingModel('…')`. */
export type OhMyGpuProvider = OpenAICompatibleProvider;

export function createOhMyGpu(settings: OhMyGpuProviderSettings = {}): OhMyGpuProvider {
  const { url, apiKey } = environmentAddress();
  const key = settings.apiKey ?? apiKey;
  return createOpenAICompatible({
    name: 'ohmygpu',
    baseURL: settings.baseURL ?? `${url}/v1`,
    ...(key === '' ? {} : { apiKey: key }),
    headers: settings.headers,
    fetch: settings.fetch,
    // The daemon holds answers to a JSON schema itself, and reports usage at the end of a stream where it is asked to.
    supportsStructuredOutputs: true,
    includeUsage: true,
  });
}

/** The provider with the settings of the environment. */
export const ohmygpu: OhMyGpuProvider = createOhMyGpu();
