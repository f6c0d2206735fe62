export { type ApiKey, SCOPES, type Scope } from './api-key.ts';
export { KeyFile, type NewKey } from './key-file.ts';
export { KeyRing } from './key-ring.ts';
export { formatRate, parseRate, type Rate } from './rate.ts';
