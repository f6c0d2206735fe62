/** The part of pacote that is used here; it brings no types of its own. */
declare module 'pacote' {
  export interface Options {
    registry: string;
    cache: string;
    integrity?: string;
    proxy?: string;
    httpsProxy?: string;
    noProxy?: string;
    userAgent?: string;
    timeout?: number;
    fetchRetries?: number;
    fetchRetryFactor?: number;
    /** Milliseconds. */
    fetchRetryMintimeout?: number;
    fetchRetryMaxtimeout?: number;
    fullMetadata?: boolean;
    preferOnline?: boolean;
    umask?: number;
  }

  export interface PackageManifest {
    name: string;
    version: string;
    dependencies?: Record<string, string>;
    optionalDependencies?: Record<string, string>;
    engines?: { node?: string };
    bin?: Record<string, string>;
    dist?: { unpackedSize?: number };
    _integrity?: string;
    _resolved?: string;
  }

  export interface Fetched {
    from: string;
    resolved: string;
    integrity: string;
  }

  const pacote: {
    manifest(spec: string, options: Options): Promise<PackageManifest>;
    extract(spec: string, folder: string, options: Options): Promise<Fetched>;
    tarball: { file(spec: string, path: string, options: Options): Promise<Fetched> };
  };
  export default pacote;
}
