export { type BinarySearch, findBinary, type LlamaServerBinary } from './binary.ts';
export { LlamaServerDriver, type LlamaServerDriverOptions } from './driver.ts';
export { parseFlags } from './flags.ts';
export { type LlamaServerOptions, llamaServerOptions } from './options.ts';
