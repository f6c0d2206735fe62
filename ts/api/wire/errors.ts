import { type ErrorCode, OmgError } from '../../errors/index.ts';

/** How a surface puts an error on the wire; each dialect exports one. */
export interface ErrorReply {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
  /** The Content-Type; absent: JSON. */
  type?: string;
}

export type ErrorRenderer = (error: OmgError, requestId: string) => ErrorReply;

/** What a person has to do something about before it can work. */
const REMEDIED: ReadonlySet<ErrorCode> = new Set([
  'repo_gated',
  'repo_not_found',
  'no_model_files',
  'unsupported_architecture',
  'unsupported_quantization',
  'invalid_model_file',
  'hub_unreachable',
  'hub_error',
  'disk_full',
] as const);

/** The one string that a client shows, with the remedy where there is one to know. */
export function textWithRemedy({ code, message, hint }: OmgError): string {
  return hint === undefined || !REMEDIED.has(code) ? message : `${message} ${hint}`;
}

/** Seconds a client should wait before it tries again; undefined where trying again is pointless. */
export function retryAfterSeconds(error: OmgError): number | undefined {
  if (typeof error.detail?.retryAfterSeconds === 'number') return error.detail.retryAfterSeconds;
  if (error.code === 'server_busy') return 1;
  if (error.code === 'shutting_down') return 5;
  return undefined;
}

/** True for 5xx failures that will come again: SDKs retry those twice unless they are told not to. */
export function isDeterministicFailure(error: OmgError): boolean {
  return (
    error.status >= 500 &&
    !['server_busy', 'shutting_down', 'runner_crashed', 'hub_unreachable', 'internal'].includes(error.code)
  );
}

/** Anything a handler threw, with Fastify's own errors (they carry a statusCode) as ours. */
export function toOmgError(error: unknown): OmgError {
  if (error instanceof OmgError) return error;
  const status = typeof error === 'object' && error !== null && 'statusCode' in error ? Number(error.statusCode) : 0;
  const message = error instanceof Error ? error.message : String(error);
  if (status === 413) return new OmgError('body_too_large', message, { cause: error });
  if (status >= 400 && status < 500) return new OmgError('invalid_request', message, { cause: error });
  return OmgError.from(error);
}
