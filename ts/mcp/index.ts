export { type HttpSession, openHttpSession, opensSession } from './http.ts';
export { createMcpServer, type DaemonClient } from './server.ts';
export { serveStdio } from './stdio.ts';
