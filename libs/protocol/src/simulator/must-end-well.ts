import { diesInAnOutage, goingBack, leavesTogether } from './plans.ts';
import { simulate } from './simulate.ts';

/** What must end well under a plan of its own, whatever the seed; each says what did not. */
export const mustEndWell: readonly (readonly [
  what: string,
  problemOf: (seed: number) => string | undefined,
])[] = [
  [
    'a run ends before a step that is not finite',
    (seed) => {
      const { failure } = simulate(seed, { notFiniteStep: 20 });
      return failure?.code === 'NUMERICS_NOT_FINITE' ? undefined : `it ends with ${failure?.code}`;
    },
  ],
  [
    'a bit that flips in one reduced gradient costs an attempt, and is never committed',
    (seed) => simulate(seed, { plan: [], flipAtMs: 400 }).problem,
  ],
  [
    'a state on disk outlives the process, and is stored before that trains again',
    (seed) => simulate(seed, { plan: diesInAnOutage() }).problem,
  ],
  [
    'where all leave, at once or one after the other, no step is done again',
    (seed) => {
      const withinMs = [1, 100, 2_000][seed % 3] ?? 0;
      const { problem, numReplays } = simulate(seed, { plan: leavesTogether(withinMs) });
      return problem ?? (numReplays > 0 ? `seed ${seed}: ${numReplays} votes again` : undefined);
    },
  ],
  [
    'calls to the bucket that are done late harm nobody',
    (seed) => simulate(seed, { plan: goingBack }).problem,
  ],
];
