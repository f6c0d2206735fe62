import { OmgError } from '../../errors/index.ts';

/** The error of an answer whose events stopped without an end. */
export function missingEndEvent(): OmgError {
  return new OmgError('internal', 'The answer ended without its last event.');
}

/** The error of an answer that was cut off from our side. */
export function cutOff(): OmgError {
  return new OmgError('cancelled', 'The answer was cancelled because the model was stopped.');
}
