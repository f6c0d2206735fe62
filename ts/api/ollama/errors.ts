import { OmgError } from '../../errors/index.ts';
import type { InstalledModel, Models } from '../../lifecycle/index.ts';
import { type ErrorReply, textWithRemedy } from '../wire/index.ts';

/** `{"error":"<string>"}`, always a string: clients test for the key and show the value. */
export function ollamaError(error: OmgError): ErrorReply {
  return { status: error.status, body: ollamaErrorBody(error) };
}

export function ollamaErrorBody(error: OmgError): { error: string; code: string; hint?: string } {
  return { error: ollamaText(error), code: error.code, ...(error.hint === undefined ? {} : { hint: error.hint }) };
}

/** Texts that clients look for. */
function ollamaText(error: OmgError): string {
  if (error.code === 'unauthorized') return 'unauthorized';
  const text = textWithRemedy(error);
  if (error.code === 'server_busy') return `server busy: ${text}`;
  return error.code === 'context_length_exceeded' ? `the input length exceeds the context length: ${text}` : text;
}

export function modelRequired(): OmgError {
  return new OmgError('invalid_request', 'model is required', { detail: { param: 'model' } });
}

/** Resolves a name as the client sent it; the texts are Ollama's, which some clients compare. */
export async function resolveModel(models: Models, name: string): Promise<InstalledModel> {
  if (name === '') throw new OmgError('model_not_found', "model '' not found", { detail: { param: 'model' } });
  try {
    return await models.resolve(name);
  } catch (thrown) {
    const error = OmgError.from(thrown);
    if (error.code === 'model_not_found') {
      throw new OmgError('model_not_found', `model '${name}' not found`, {
        hint: error.hint,
        detail: error.detail,
        cause: error,
      });
    }
    if (error.code === 'invalid_model_name') {
      throw new OmgError('invalid_model_name', 'invalid model name', {
        hint: error.hint ?? error.message,
        cause: error,
      });
    }
    throw error;
  }
}
