/** Makes the archive of this platform from its packages; gives its path. */
export function makeArchive(options: {
  packs: Record<string, string>;
  out: string;
  sbom?: object;
  node?: string;
  nodeLibraries?: string;
  nodeVersion?: string;
  /** Of gzip, 1 to 9. */
  level?: number;
}): Promise<string>;
