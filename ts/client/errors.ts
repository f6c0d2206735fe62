import { ERROR_CODES, type ErrorCode, isErrorCode, OmgError } from '../errors/index.ts';

/** Codes that a surface calls by another name. */
const RENAMED: Record<string, ErrorCode> = {
  invalid_api_key: 'unauthorized',
  rate_limit_exceeded: 'rate_limited',
};

/** The error that the daemon reported, from any of its envelopes. */
export function errorFromBody(status: number, text: string): OmgError {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  return (
    errorFromValue(body) ??
    new OmgError(codeOfStatus(status), text.trim() || `The daemon answered with status ${status}.`)
  );
}

/** The error in a parsed body or stream line; undefined when it holds none. */
export function errorFromValue(body: unknown): OmgError | undefined {
  if (typeof body !== 'object' || body === null || !('error' in body) || !body.error) return undefined;
  const source: object = typeof body.error === 'object' ? body.error : body;
  const field = (name: string): string | undefined => {
    const value: unknown = (source as Record<string, unknown>)[name];
    return typeof value === 'string' ? value : undefined;
  };
  const code = field('code') ?? '';
  return new OmgError(
    isErrorCode(code) ? code : Object.hasOwn(RENAMED, code) ? (RENAMED[code] ?? 'internal') : 'internal',
    typeof body.error === 'string' ? body.error : (field('message') ?? 'The daemon reported an error.'),
    { hint: field('hint') },
  );
}

function codeOfStatus(status: number): ErrorCode {
  if (status === 403) return 'forbidden';
  const codes = Object.entries(ERROR_CODES).filter(([, entry]) => entry.status === status);
  return codes.length === 1 && isErrorCode(codes[0]?.[0])
    ? codes[0][0]
    : status >= 500
      ? 'internal'
      : 'invalid_request';
}
