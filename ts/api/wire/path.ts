/** `//` collapsed, no trailing slash, the query untouched; the slashes inside `%2F` stay encoded until the route decodes them. */
export function normalisePath(url: string): string {
  const query = url.indexOf('?');
  const path = query === -1 ? url : url.slice(0, query);
  if (!path.includes('//') && (path.length < 2 || !path.endsWith('/'))) return url;
  const clean = path.replace(/\/{2,}/g, '/').replace(/(.)\/$/, '$1');
  return query === -1 ? clean : clean + url.slice(query);
}
