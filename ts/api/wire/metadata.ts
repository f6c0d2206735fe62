/** Whether a value of a header's metadata is what stands for a long array: `{ arrayLength }` in its place. */
export function isElided(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
