import type { OmgError } from '../../errors/index.ts';
import { ndjson } from '../wire/index.ts';

/** How a stream of lines ends when something goes wrong. */
export function errorLine({ message, code, hint }: OmgError): string {
  return ndjson({ error: message, code, ...(hint === undefined ? {} : { hint }) });
}
