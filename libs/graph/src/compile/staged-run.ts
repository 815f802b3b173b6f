import { dispose, type Tensor } from '@tensorflow/tfjs-core';

/** A run under way, which hands out tensors. */
export interface StagedRun {
  /** Waits for the next; undefined when there is none any more. */
  readonly next: () => readonly Tensor[] | undefined;
  readonly take: (stage: number, values: readonly Tensor[]) => void;
  /** Waits for the end of the run; throws what it has failed with. */
  readonly end: () => void;
}

/** Takes up stage after stage. Once taking one has failed the rest is only waited for: nothing is under way afterwards. */
export function followRun({ next, take, end }: StagedRun): void {
  const failures: unknown[] = [];
  for (let stage = 0; ; stage++) {
    const values = next();
    if (values === undefined) break;
    try {
      if (failures.length === 0) take(stage, values);
    } catch (error) {
      failures.push(error);
    } finally {
      dispose([...values]);
    }
  }
  end();
  if (failures.length > 0) throw failures[0];
}
