/** What `import … from 'ohmygpu'` gives: a typed client of the daemon, for Node. */

export type * from '../client/index.ts';
export { Client } from '../client/index.ts';
export { ERROR_CODES, type ErrorCode, type ErrorData, OmgError } from '../errors/index.ts';
export { type ConnectOptions, connect } from './connect.ts';
