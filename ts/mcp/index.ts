export { createMcpServer, type DaemonClient } from './server.ts';
export { serveStdio } from './stdio.ts';
