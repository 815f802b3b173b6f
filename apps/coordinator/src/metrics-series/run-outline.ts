import type { MetricsLine, RunAttempt } from '@berth/contracts';
import { isAbandoned } from '@berth/protocol';

const maxParts = 40;

interface Part {
  sum: number;
  count: number;
}

/**
 * A run in short, from the first step to the newest: what its lines come to, in a few hundred bytes however many there are.
 * Lines may come twice, and come by ascending step but for a few, which the course of the loss then lacks.
 */
export class RunOutline {
  readonly #attempts: readonly RunAttempt[];
  /** Losses of the steps [i * width, (i + 1) * width). */
  #parts: Part[] = [];
  #width = 1;
  #lastStep: MetricsLine | null = null;
  #lastEval: MetricsLine | null = null;

  /** @param attempts - what they have left behind does not count */
  constructor(attempts: readonly RunAttempt[]) {
    this.#attempts = attempts;
  }

  get lastStep(): MetricsLine | null {
    return this.#lastStep;
  }

  get lastEval(): MetricsLine | null {
    return this.#lastEval;
  }

  put(line: MetricsLine): void {
    if (isAbandoned(this.#attempts, line)) return;
    if (line.kind === 'eval') {
      if (line.step >= (this.#lastEval?.step ?? 0)) this.#lastEval = line;
      return;
    }
    if (this.#lastStep !== null && line.step <= this.#lastStep.step) return;
    this.#lastStep = line;
    if (!Number.isFinite(line.loss)) return;
    while (line.step >= maxParts * this.#width) this.#joinPairs();
    const part = (this.#parts[Math.floor(line.step / this.#width)] ??= { sum: 0, count: 0 });
    part.sum += line.loss;
    part.count++;
  }

  /** Mean loss of equal parts of the steps, oldest first; 20 to 40 once there are as many steps. */
  lossCourse(): number[] {
    // A part without a line is a hole in the list, which `flatMap` passes over.
    return this.#parts.flatMap(({ sum, count }) => sum / count);
  }

  #joinPairs(): void {
    const joined: Part[] = [];
    this.#parts.forEach(({ sum, count }, index) => {
      const part = (joined[index >> 1] ??= { sum: 0, count: 0 });
      part.sum += sum;
      part.count += count;
    });
    this.#parts = joined;
    this.#width *= 2;
  }
}
