import { cursorOfStep, type Phase } from '@berth/contracts';
import type { ExampleSource } from './example-source.ts';

/** The examples of a run whose phases each have a source of their own. */
export function createPhasedSource(
  phases: readonly Phase[],
  sourceOf: (phase: Phase) => ExampleSource,
): ExampleSource {
  const sources = phases.map((phase) => ({ phase, source: sourceOf(phase) }));
  return {
    async at(cursor, step) {
      const { phase, source } = sources.find((one) => step < one.phase.endStep) ?? sources.at(-1)!;
      return source.at(cursorOfStep(phase, step, cursor), step);
    },
  };
}
