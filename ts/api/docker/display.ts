const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `256.35 MiB`. */
export function displayBytes(bytes: number): string {
  const power = Math.min(UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 2)} ${UNITS[power]}`;
}
