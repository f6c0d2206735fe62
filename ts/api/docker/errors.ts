import type { ErrorCode, OmgError } from '../../errors/index.ts';
import { type ErrorReply, textWithRemedy } from '../wire/index.ts';

/** How docker model-runner begins its messages, and its status where it is not ours. */
const CONDITIONS: Partial<Record<ErrorCode, { text: string; status?: number }>> = {
  invalid_json: { text: 'invalid request' },
  invalid_model_name: { text: 'Invalid model reference' },
  unauthorized: { text: 'Unauthorized' },
  repo_gated: { text: 'Unauthorized', status: 401 },
  repo_not_found: { text: 'Model not found' },
  hub_unreachable: { text: 'unable to pull model', status: 500 },
  hub_error: { text: 'unable to pull model', status: 500 },
  body_too_large: { text: 'request too large', status: 400 },
  model_load_failed: { text: 'unable to load runner' },
  out_of_memory: { text: 'unable to load runner' },
};

/** `text/plain`: the message and a newline. */
export function dockerError(error: OmgError): ErrorReply {
  const condition = CONDITIONS[error.code];
  const told = textWithRemedy(error);
  const text = condition === undefined ? told : `${condition.text}: ${told}`;
  return { status: condition?.status ?? error.status, body: `${text}\n`, type: 'text/plain; charset=utf-8' };
}
