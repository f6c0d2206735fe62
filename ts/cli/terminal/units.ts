const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];

/** Such as `512 B`, `4.7 GB`: decimal units, as hubs and disks count. */
export function formatBytes(bytes: number): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** Such as `850ms`, `4.2s`, `3m 07s`, `2h 05m`, `4d 3h`. */
export function formatElapsed(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1000);
  const two = (value: number) => String(value).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)}h ${two(minutes % 60)}m`;
  const hours = Math.floor(minutes / 60);
  return `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

const STEPS: [limitSeconds: number, divisor: number, name: string][] = [
  [60, 1, 'second'],
  [3600, 60, 'minute'],
  [86_400, 3600, 'hour'],
  [7 * 86_400, 86_400, 'day'],
  [31 * 86_400, 7 * 86_400, 'week'],
  [365 * 86_400, 30.44 * 86_400, 'month'],
  [Number.POSITIVE_INFINITY, 365 * 86_400, 'year'],
];

/** Such as `3 hours ago`, `in 4 minutes`, `now`. More than twenty years ahead is `forever`. */
export function formatRelative(time: Date, now: Date): string {
  const seconds = (time.getTime() - now.getTime()) / 1000;
  const size = Math.abs(seconds);
  if (Number.isNaN(seconds)) return 'unknown';
  if (seconds > 20 * 365.25 * 86_400) return 'forever';
  if (size < 1) return 'now';
  const [, divisor, name] = STEPS.find(([limit]) => size < limit) ?? [0, 1, 'second'];
  const count = Math.max(1, Math.floor(size / divisor));
  const words = `${count} ${name}${count === 1 ? '' : 's'}`;
  return seconds < 0 ? `${words} ago` : `in ${words}`;
}
