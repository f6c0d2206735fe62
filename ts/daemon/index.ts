export { type AppDeps, buildApp } from './app.ts';
export type { DaemonParts } from './compose.ts';
export { type Daemon, type StartOptions, startDaemon } from './daemon.ts';
export { readPid } from './pid-file.ts';
export { type RunOptions, runDaemon } from './run.ts';
export { tlsServerFactory } from './tls.ts';
