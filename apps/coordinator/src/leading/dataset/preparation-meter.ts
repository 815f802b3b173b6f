import type { PreparationProgress, PreparationStage } from '@berth/contracts';
import {
  preparationProgress,
  sampleOf,
  stageUnderWay,
  type ProgressState,
  type Sample,
} from './preparation-progress.ts';

/** For a rate that follows changes, and does not jump with each job. */
const sampledMs = 30_000;

/** Remembers of a dataset in the making what rates and times are made of. */
export class PreparationMeter {
  readonly #beganMs = new Map<PreparationStage, number>();
  #samples: readonly Sample[] = [];

  /** @param seen - what a look has found; later than that of the last look. @returns how far it is */
  look(seen: Omit<ProgressState, 'beganMs' | 'samples'>): PreparationProgress {
    const state = { ...seen, beganMs: this.#beganMs, samples: this.#samples };
    const stage = stageUnderWay(state);
    if (!this.#beganMs.has(stage)) this.#beganMs.set(stage, seen.nowMs);
    const samples = this.#samples.filter(({ atMs }) => seen.nowMs - atMs <= sampledMs);
    const sample = sampleOf({ ...state, stage, samples });
    this.#samples = sample === undefined ? samples : [...samples, sample];
    return preparationProgress({ ...state, stage, samples: this.#samples });
  }
}
