export type * from './chat.ts';
export type * from './engine.ts';
export type * from './engine-driver.ts';
export { exactJson, JsonText, keepText, keysAsWritten, mapStrings, parseExact } from './exact-json.ts';
export type * from './grammar.ts';
export type * from './serving-engine.ts';
export { ENGINE_KINDS, NATIVE_CAPABILITIES } from './serving-engine.ts';
export type * from './work.ts';
export { lastEvent } from './work.ts';
