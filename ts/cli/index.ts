export { COMMANDS, commandsFor } from './commands/index.ts';
export { runCli } from './run.ts';
export type { Terminal } from './session.ts';
