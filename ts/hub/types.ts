/** What `ts/hub` tells about a pull. One shape for the CLI, the events stream, and every dialect's progress lines. */
export interface PullProgress {
  status: 'resolving' | 'downloading' | 'verifying' | 'installing' | 'success';
  /** Sum over the files of the pull, bytes. 0 until known. */
  totalBytes: number;
  completedBytes: number;
  files: { filename: string; sha256: string; size: number; completedBytes: number; cached: boolean }[];
}
