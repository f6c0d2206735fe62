import type { OmgError } from '../../errors/index.ts';
import type { ErrorReply } from '../wire/index.ts';

/** `{"type":"error","error":{type,message},"request_id"}`; our code and hint ride along. */
export function anthropicError(error: OmgError, requestId: string): ErrorReply {
  return {
    status: statusOf(error),
    body: anthropicErrorBody(error, requestId),
    headers: { 'request-id': requestId },
  };
}

export function anthropicErrorBody(error: OmgError, requestId: string): object {
  return {
    type: 'error',
    error: {
      type: errorType(statusOf(error)),
      message: messageOf(error),
      code: error.code,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    },
    request_id: requestId,
  };
}

/** Overload has a status of its own here. */
function statusOf(error: OmgError): number {
  return error.status === 503 ? 529 : error.status;
}

const TYPES: Record<number, string> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

function errorType(status: number): string {
  return TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error');
}

/** Clients look for these words, and read the two numbers. */
function messageOf(error: OmgError): string {
  if (error.code !== 'context_length_exceeded') return error.message;
  const { promptTokens, contextLength } = error.detail ?? {};
  return typeof promptTokens === 'number' && typeof contextLength === 'number'
    ? `prompt is too long: ${promptTokens} tokens > ${contextLength} maximum`
    : `prompt is too long: ${error.message}`;
}
