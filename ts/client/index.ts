export { Client, type CreateBody, namedAddress, type PullBody } from './client.ts';
export { hostElsewhere } from './host-elsewhere.ts';
export type { Address } from './transport.ts';
export type * from './types.ts';
