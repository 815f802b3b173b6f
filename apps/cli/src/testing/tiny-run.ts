import { fileURLToPath } from 'node:url';
import { parseRunConfig, type RunConfig } from '@berth/contracts';

type Section = Readonly<Record<string, unknown>>;

/** A text of 128 kB. */
export const excerpt = fileURLToPath(
  new URL('../../../../libs/data/test/golden/excerpt.txt', import.meta.url),
);

const sections: Readonly<Record<string, Section>> = {
  corpus: { path: excerpt, heldOutRatio: 0.1 },
  vocabulary: { size: 1000 },
  examples: { maxSeqLength: 32, maxPredictions: 5, numShards: 4, shuffleWindowShards: 2 },
  model: { size: 'tiny', numLayers: 1, hiddenSize: 32, numHeads: 2, maxPositions: 32 },
  optimizer: { learningRate: 1e-3, numWarmupSteps: 5 },
  train: { engine: 'eager', globalBatch: 8, virtualRanks: 4, numEvalExamples: 16 },
};

/** A run file of a model whose steps take some milliseconds. @param change - settings by section */
export function tinyRunFile(name: string, change: Readonly<Record<string, Section>> = {}): object {
  const merged = Object.entries({ ...sections, ...change }).map(([section, settings]) => [
    section,
    { ...sections[section], ...settings },
  ]);
  return { name, seed: 7, ...Object.fromEntries(merged) };
}

/** The same, read. */
export function tinyRun(name: string, change?: Readonly<Record<string, Section>>): RunConfig {
  return parseRunConfig(tinyRunFile(name, change), 'test');
}
