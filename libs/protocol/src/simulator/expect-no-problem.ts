import { simulate, type SimulationReport } from './simulate.ts';

/** Simulates seeds; the first that goes wrong fails the test with its trace, and with the command to see it again. */
export function simulateAll(fromSeed: number, numSeeds: number): SimulationReport[] {
  return Array.from({ length: numSeeds }, (_, index) => {
    const report = simulate(fromSeed + index);
    if (report.problem !== undefined) throw new Error(describe(report));
    return report;
  });
}

/** What happened in a run that went wrong. */
function describe({ seed, problem, trace }: SimulationReport): string {
  return (
    `Seed ${seed}: ${problem}\n\n${trace}\n\n` +
    `Replay: BERTH_SIM_SEED=${seed} npx vitest run libs/protocol/src/simulator/simulator.test.ts`
  );
}
