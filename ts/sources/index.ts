export { CATALOG } from './catalog/catalog-data.ts';
export { Hub, type HubOptions } from './hub.ts';
export type {
  FileOrigin,
  Judge,
  JudgedModel,
  ModelHub,
  ModelOutline,
  PulledFile,
  PullOptions,
  PullProgress,
  PullRequest,
  RemoteFile,
  RemoteModel,
  SearchResult,
} from './types.ts';
