import type { LoadedModel } from '../inference/index.ts';

/** The right to run one request on a loaded model. `release` is idempotent. */
export interface Lease {
  readonly model: LoadedModel;
  release(): void;
}

/** A model in memory and the requests that run on it. */
export class Resident {
  readonly model: LoadedModel;
  #active = 0;

  constructor(model: LoadedModel) {
    this.model = model;
  }

  get active(): number {
    return this.#active;
  }

  lease(onRelease: () => void): Lease {
    this.#active += 1;
    let held = true;
    return {
      model: this.model,
      release: () => {
        if (!held) return;
        held = false;
        this.#active -= 1;
        onRelease();
      },
    };
  }
}
