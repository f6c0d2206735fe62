import { type Target, targetFor } from '../../../scripts/targets.ts';

/** The C library of this process; undefined where there is no choice. */
export function systemLibc(): 'glibc' | 'musl' | undefined {
  if (process.platform !== 'linux') return undefined;
  // Addresses of open connections are resolved to names otherwise, which can take seconds.
  const report: NodeJS.ProcessReport & { excludeNetwork?: boolean } = process.report;
  report.excludeNetwork = true;
  const { header } = report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
}

/** The row of the table of targets that this process runs on; undefined for a platform without packages. */
export function thisTarget(): Target | undefined {
  return targetFor(process.platform, process.arch, systemLibc());
}
