/** The oldest Node that the dependencies run on (undici, ink, vitest): the 22 LTS line from 22.19. */
export const OLDEST_NODE = '22.19.0';

/** Compares dotted versions by number; a suffix such as `-nightly` is ignored. */
export function isAtLeast(version, oldest) {
  const have = version.replace(/^v/, '').split('-')[0].split('.').map(Number);
  const want = oldest.split('.').map(Number);
  for (let part = 0; part < want.length; part += 1) {
    const difference = (have[part] ?? 0) - want[part];
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** Whether a Node of this version can run the product. */
export function isSupportedNode(version) {
  return isAtLeast(version, OLDEST_NODE);
}
