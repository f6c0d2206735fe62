export { runCli } from './run.ts';
export type { Terminal } from './session.ts';
