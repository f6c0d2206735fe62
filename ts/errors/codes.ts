/**
 * Every error the product can report. `status` is the HTTP status a dialect starts from, `exit` the exit code of a
 * command that ends with it. Rust crates use the same codes; a repository test keeps the two lists equal.
 */
export const ERROR_CODES = {
  invalid_request: { status: 400, exit: 2, summary: 'The request or the command line is not valid.' },
  invalid_json: { status: 400, exit: 2, summary: 'The body is not valid JSON.' },
  invalid_model_name: { status: 400, exit: 2, summary: 'The model name does not follow the name grammar.' },
  ambiguous_model_name: { status: 400, exit: 2, summary: 'Several installed models match the name.' },
  model_not_found: { status: 404, exit: 4, summary: 'No installed model has this name.' },
  not_found: { status: 404, exit: 4, summary: 'Not found.' },
  previous_response_not_found: {
    status: 400,
    exit: 4,
    summary: 'The previous response was not stored, or has been deleted.',
  },
  method_not_allowed: { status: 405, exit: 1, summary: 'The route exists with another HTTP method.' },
  unsupported: { status: 400, exit: 1, summary: 'The model or this build does not support the request.' },
  not_implemented: { status: 501, exit: 1, summary: 'The route is known, but this version does not implement it.' },
  context_length_exceeded: { status: 400, exit: 1, summary: 'The prompt is longer than the context window.' },
  body_too_large: { status: 413, exit: 1, summary: 'The request body is over the limit of its route.' },
  request_timeout: { status: 408, exit: 1, summary: 'The request body stopped arriving.' },
  unauthorized: { status: 401, exit: 1, summary: 'An API key is required, and was missing, wrong or expired.' },
  forbidden: {
    status: 403,
    exit: 1,
    summary: 'The Host or Origin header, the scope of the API key, or the caller does not allow this.',
  },
  rate_limited: { status: 429, exit: 1, summary: 'The API key has used up its rate limit.' },
  conflict: { status: 409, exit: 1, summary: 'The current state does not allow this.' },
  cancelled: { status: 499, exit: 130, summary: 'The client disconnected or cancelled.' },
  answer_not_read: { status: 499, exit: 1, summary: 'The client did not read its answer for too long.' },
  server_busy: { status: 503, exit: 1, summary: 'The queue of the model, or the memory for request bodies, is full.' },
  shutting_down: { status: 503, exit: 1, summary: 'The daemon is stopping.' },
  model_load_failed: { status: 500, exit: 1, summary: 'The model could not be loaded.' },
  out_of_memory: { status: 500, exit: 1, summary: 'The model does not fit into memory.' },
  runner_crashed: { status: 500, exit: 1, summary: 'The process that ran the model ended unexpectedly.' },
  invalid_model_file: { status: 422, exit: 1, summary: 'The file is not a model, or is damaged.' },
  unsupported_architecture: { status: 422, exit: 1, summary: 'The model family is not supported.' },
  unsupported_quantization: { status: 422, exit: 1, summary: 'The quantization of a tensor is not supported.' },
  no_chat_template: { status: 400, exit: 1, summary: 'The model has no chat template.' },
  template_failed: { status: 400, exit: 1, summary: 'The chat template of the model refused the messages.' },
  addon_unavailable: { status: 500, exit: 1, summary: 'The native engine could not be loaded.' },
  engine_unavailable: {
    status: 503,
    exit: 1,
    summary: 'The engine or the remote that was requested is not installed, or does not answer.',
  },
  engine_error: { status: 502, exit: 1, summary: 'The engine or the remote that serves the model failed.' },
  hub_unreachable: { status: 502, exit: 5, summary: 'Hugging Face could not be reached.' },
  hub_error: { status: 502, exit: 5, summary: 'Hugging Face returned an error.' },
  repo_not_found: { status: 404, exit: 4, summary: 'There is no such repository, revision or file on Hugging Face.' },
  repo_gated: { status: 403, exit: 5, summary: 'The repository is gated or private and needs a token.' },
  no_model_files: { status: 422, exit: 4, summary: 'The repository has no files that can be run.' },
  unsafe_file_name: { status: 422, exit: 5, summary: "A file name points outside the model's folder." },
  checksum_mismatch: { status: 502, exit: 5, summary: 'A download does not match its checksum.' },
  signature_invalid: { status: 502, exit: 5, summary: "A download's signature does not match." },
  download_failed: { status: 502, exit: 5, summary: 'A part of omg could not be downloaded.' },
  update_failed: { status: 500, exit: 1, summary: 'The new version does not work here; the previous one was kept.' },
  disk_full: { status: 507, exit: 6, summary: 'There is not enough disk space.' },
  permission_denied: { status: 500, exit: 6, summary: 'A file or folder cannot be read or written.' },
  port_in_use: { status: 500, exit: 7, summary: 'Another program is listening on the address.' },
  daemon_running: { status: 409, exit: 7, summary: 'A daemon is already running for this home folder.' },
  daemon_not_running: { status: 503, exit: 3, summary: 'No daemon is running.' },
  invalid_config: { status: 400, exit: 2, summary: 'A configuration value is not valid.' },
  internal: { status: 500, exit: 1, summary: 'Something unexpected happened.' },
} as const satisfies Record<string, { status: number; exit: number; summary: string }>;

export type ErrorCode = keyof typeof ERROR_CODES;

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERROR_CODES, value);
}
