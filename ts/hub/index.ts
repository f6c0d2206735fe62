export type {
  ModelHub,
  PullOptions,
  PullProgress,
  PullRequest,
  RemoteFile,
  RemoteModel,
  SearchResult,
} from './types.ts';
