/** A Prometheus histogram: how many values lay at or below each bound, their number and sum. */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #count = 0;
  #sum = 0;

  /** @param bounds ascending. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  add(value: number): void {
    this.#count += 1;
    this.#sum += value;
    const index = this.#bounds.findIndex((bound) => value <= bound);
    if (index >= 0) this.#counts[index] = (this.#counts[index] ?? 0) + 1;
  }

  /** The lines of one series, each without the name of its family. */
  lines(labels: string): string[] {
    let below = 0;
    const buckets = this.#bounds.map((bound, index) => {
      below += this.#counts[index] ?? 0;
      return `_bucket{${labels},le="${bound}"} ${below}\n`;
    });
    return [
      ...buckets,
      `_bucket{${labels},le="+Inf"} ${this.#count}\n`,
      `_sum{${labels}} ${this.#sum}\n`,
      `_count{${labels}} ${this.#count}\n`,
    ];
  }
}
