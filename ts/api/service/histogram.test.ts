import { expect, test } from 'vitest';
import { Histogram } from './histogram.ts';

test('buckets count what lies at or below their bound, the last one everything', () => {
  const histogram = new Histogram([1, 5]);
  for (const value of [0.5, 1, 3, 9]) histogram.add(value);
  expect(histogram.lines('a="b"')).toEqual([
    '_bucket{a="b",le="1"} 2\n',
    '_bucket{a="b",le="5"} 3\n',
    '_bucket{a="b",le="+Inf"} 4\n',
    '_sum{a="b"} 13.5\n',
    '_count{a="b"} 4\n',
  ]);
});
