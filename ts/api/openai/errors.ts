import type { ErrorCode, OmgError } from '../../errors/index.ts';
import type { ErrorReply } from '../wire/index.ts';

export interface OpenAiErrorBody {
  error: { message: string; type: string; param: string | null; code: string | null; hint?: string };
}

/** Codes that clients know by another name. */
const CODES: Partial<Record<ErrorCode, string>> = {
  unauthorized: 'invalid_api_key',
  rate_limited: 'rate_limit_exceeded',
};

/** `{"error":{message,type,param,code}}`, all four keys always there; our hint rides along. Management routes use it too. */
export function openAiError(error: OmgError): ErrorReply {
  return { status: error.status, body: openAiErrorBody(error) };
}

export function openAiErrorBody(error: OmgError): OpenAiErrorBody {
  const param = typeof error.detail?.param === 'string' ? error.detail.param : null;
  return {
    error: {
      message: messageOf(error),
      type: errorType(error.status),
      param: param ?? (error.code === 'model_not_found' ? 'model' : null),
      code: CODES[error.code] ?? error.code,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    },
  };
}

function messageOf(error: OmgError): string {
  if (error.code !== 'context_length_exceeded') return error.message;
  // Client libraries look for these words.
  const window = error.detail?.contextLength;
  return `This model's maximum context length is ${typeof window === 'number' ? `${window} tokens` : 'exceeded'}. ${error.message}`;
}

function errorType(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 404) return 'not_found_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'api_error';
}
