export type { Fault } from './faults.ts';
export { HubStandIn, type StandInOptions } from './hub-stand-in.ts';
export { loadRepositories, type RepositoryOptions, StandInRepository } from './repository.ts';
export type { RequestLog } from './send.ts';
