export { type AppDeps, buildApp } from './app.ts';
export { type Daemon, startDaemon } from './daemon.ts';
export type { DaemonParts, StartOptions } from './options.ts';
export { readPid } from './pid-file.ts';
export { type RunOptions, runDaemon } from './run.ts';
export { tlsServerFactory } from './tls.ts';
