import type { OmgError } from '../../errors/index.ts';
import type { ErrorReply } from '../wire/index.ts';

/** The first of the codes that JSON-RPC leaves to servers. */
const SERVER_ERROR = -32000;
const PARSE_ERROR = -32700;

/** A JSON-RPC error that answers no request; our code and hint ride along. */
export function mcpError(error: OmgError): ErrorReply {
  const code = error.code === 'invalid_json' ? PARSE_ERROR : SERVER_ERROR;
  const { message, ...data } = error.toData();
  return { status: error.status, body: { jsonrpc: '2.0', error: { code, message, data }, id: null } };
}
