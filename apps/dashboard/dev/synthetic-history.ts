import type { MetricsLine } from '@berth/contracts';
import type { Stretch } from './buckets.ts';

/** The metrics of a made-up run, by attempt and branch. */
export class SyntheticHistory {
  #stretches: { attempt: number; isAbandoned: boolean; lines: MetricsLine[] }[] = [];

  get stretches(): readonly Stretch[] {
    return this.#stretches;
  }

  begin(attempt: number): void {
    this.#stretches.push({ attempt, isAbandoned: false, lines: [] });
  }

  add(lines: readonly MetricsLine[]): void {
    this.#stretches.at(-1)?.lines.push(...lines);
  }

  /** What came after a step becomes a branch that is left behind. */
  branchAt(step: number): void {
    this.#stretches = this.#stretches.flatMap((stretch) => {
      if (stretch.isAbandoned) return [stretch];
      const kept = stretch.lines.filter((line) => line.step <= step);
      const left = stretch.lines.filter((line) => line.step > step);
      const parts = [{ ...stretch, lines: kept }];
      return left.length === 0 ? parts : [...parts, { ...stretch, isAbandoned: true, lines: left }];
    });
  }

  /** The newest line of a step in the line of the run. */
  get lastStep(): MetricsLine | undefined {
    const lines = this.#stretches.findLast(({ isAbandoned }) => !isAbandoned)?.lines;
    return lines?.findLast(({ kind }) => kind === 'step');
  }

  get lastEval(): MetricsLine | undefined {
    return this.#stretches
      .flatMap(({ lines }) => lines.findLast(({ kind }) => kind === 'eval') ?? [])
      .at(-1);
  }

  evalAt(step: number): MetricsLine | undefined {
    return this.#stretches
      .filter(({ isAbandoned }) => !isAbandoned)
      .flatMap(({ lines }) => lines.filter((line) => line.kind === 'eval' && line.step === step))
      .at(-1);
  }

  /** Losses of the newest 4,000 steps, as 40 means at the most. */
  get sparkline(): number[] {
    const lines = this.#stretches
      .filter(({ isAbandoned }) => !isAbandoned)
      .flatMap(({ lines }) => lines.slice(-4000));
    const newest = lines.filter(({ kind }) => kind === 'step').slice(-4000);
    const size = Math.max(1, Math.ceil(newest.length / 40));
    return Array.from({ length: Math.min(40, Math.ceil(newest.length / size)) }, (_, i) => {
      const part = newest.slice(i * size, (i + 1) * size);
      return part.reduce((sum, { loss }) => sum + loss, 0) / part.length;
    });
  }
}
