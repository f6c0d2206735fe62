import type { Client } from '../client/index.ts';

/** Connects to the daemon. Called for each request, because a daemon may have started or stopped since the last one. */
export type DaemonClient = () => Promise<Client>;
