export type { DaemonClient } from './daemon-client.ts';
export { type HttpSession, openHttpSession, opensSession } from './http.ts';
export { createMcpServer } from './server.ts';
export { serveStdio } from './stdio.ts';
