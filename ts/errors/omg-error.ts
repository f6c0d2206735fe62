import { ERROR_CODES, type ErrorCode, isErrorCode } from './codes.ts';
import { fileProblem } from './file-error.ts';

/** The form in which an error crosses a process border: from the addon, over IPC, over HTTP. */
export interface ErrorData {
  code: string;
  message: string;
  hint?: string;
  detail?: Record<string, unknown>;
}

/** Messages repeat what was sent, which may be megabytes. */
const MAX_MESSAGE_LENGTH = 4_000;

function shortened(message: string): string {
  return message.length > MAX_MESSAGE_LENGTH ? `${message.slice(0, MAX_MESSAGE_LENGTH)}…` : message;
}

/** The one error type of the product. `message` says what happened, `hint` what to do about it. */
export class OmgError extends Error {
  override readonly name = 'OmgError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly detail: Record<string, unknown> | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { hint?: string; detail?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(shortened(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.detail = options.detail;
  }

  get status(): number {
    return ERROR_CODES[this.code].status;
  }

  get exitCode(): number {
    return ERROR_CODES[this.code].exit;
  }

  toData(): ErrorData {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.detail === undefined ? {} : { detail: this.detail }),
    };
  }

  static fromData(data: ErrorData): OmgError {
    const code = isErrorCode(data.code) ? data.code : 'internal';
    return new OmgError(code, data.message, { hint: data.hint, detail: data.detail });
  }

  /** Any thrown value as an `OmgError`; aborts become `cancelled`, a full or forbidden disk is named, everything unknown is `internal`. */
  static from(error: unknown): OmgError {
    if (error instanceof OmgError) return error;
    if (error instanceof Error && error.name === 'AbortError') {
      return new OmgError('cancelled', 'The request was cancelled.', { cause: error });
    }
    const problem = fileProblem(error);
    if (problem !== undefined) return new OmgError(problem.code, problem.message, { hint: problem.hint, cause: error });
    return new OmgError('internal', error instanceof Error ? error.message : String(error), { cause: error });
  }
}
