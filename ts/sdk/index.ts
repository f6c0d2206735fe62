/** What `import … from 'ohmygpu'` gives: a typed client of the daemon, for Node. */
export { Client, type PullBody } from '../client/index.ts';
export type * from '../client/types.ts';
export { ERROR_CODES, type ErrorCode, type ErrorData, OmgError } from '../errors/index.ts';
export { type ConnectOptions, connect } from './connect.ts';
