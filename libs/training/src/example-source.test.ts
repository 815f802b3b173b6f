import {
  canonicalJson,
  columnOf,
  parseRunConfig,
  phasesOf,
  taskNameOf,
  tasks,
  type Cursor,
  type ExampleBatch,
  type Phase,
} from '@berth/contracts';
import { epochShardsOf } from '@berth/data';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createExampleSource, type ExampleSource } from './example-source.ts';
import { createPhasedSource } from './phased-source.ts';

const parts = ['a', 'b'];

const weights = fc.option(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.nat(9)), { nil: undefined });

/** Any small run: sizes of shards, which differ from epoch to epoch and from phase to phase, and how steps cut them. */
const runs = fc.record({
  seed: fc.nat(0xffff_ffff),
  windowShards: fc.integer({ min: 1, max: 5 }),
  sizes: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 2, maxLength: 7 }),
  weights,
  hasSeveral: fc.boolean(),
  nextSentence: fc.boolean(),
  logRanks: fc.nat(3),
  logMicro: fc.nat(2),
  phases: fc.array(
    fc.record({
      numSteps: fc.integer({ min: 1, max: 5 }),
      logPerRank: fc.integer({ min: 2, max: 3 }),
      maxSeqLength: fc.constantFrom(16, 32),
      weights,
      numMore: fc.nat(1),
    }),
    { minLength: 1, maxLength: 4 },
  ),
});
type Run = typeof runs extends fc.Arbitrary<infer R> ? R : never;

/** An example, as its name: where it is stored, and which phase is the first that has its kind. */
interface Place {
  readonly kind: number;
  readonly epoch: number;
  readonly shard: number;
  readonly example: number;
}

const text = ({ kind, epoch, shard, example }: Place): string =>
  `${kind}/${epoch}/${shard}/${example}`;

const weightsOf = (pair: Run['weights']): Record<string, number> | undefined =>
  pair && { a: pair[0], b: pair[1] };

function setUp(run: Run) {
  const virtualRanks = 2 ** run.logRanks;
  const microBatch = 2 ** run.logMicro;
  const config = parseRunConfig(
    {
      name: 'r',
      corpus: { parts: parts.map((name) => ({ name, path: name })) },
      seed: run.seed,
      examples: {
        maxPredictions: 4,
        shuffleWindowShards: run.windowShards,
        nextSentence: run.nextSentence,
        sequencesPerRow: run.hasSeveral ? 2 : 1,
        corpusWeights: weightsOf(run.weights),
      },
      train: { virtualRanks, microBatch },
      phases: run.phases.map(({ numSteps, logPerRank, maxSeqLength, ...phase }) => ({
        numSteps,
        maxSeqLength,
        corpusWeights: weightsOf(phase.weights),
        ...(run.hasSeveral && { sequencesPerRow: 2 + phase.numMore }),
        globalBatch: virtualRanks * 2 ** logPerRank,
      })),
    },
    'test',
  );
  const phases = phasesOf(config);
  const train = run.sizes.map((_, shard) => ({ part: parts[shard % 2]!, numTokens: 10 + shard }));
  const shardsOf = ({ examples: { corpusWeights } }: Phase) =>
    epochShardsOf({ seed: run.seed, train, corpusWeights });
  const contentsOf = ({ maxSeqLength, sequencesPerRow, corpusWeights }: Phase['examples']) =>
    canonicalJson({ maxSeqLength, sequencesPerRow, corpusWeights });
  const kindOf = ({ examples }: Phase): number =>
    phases.findIndex((one) => contentsOf(one.examples) === contentsOf(examples));
  const sizeOf = (kind: number, epoch: number, shard: number): number =>
    run.sizes[(shard + epoch + kind) % run.sizes.length]!;
  const source = (): ExampleSource =>
    createPhasedSource(phases, (phase) => {
      const { maxSeqLength, maxPredictions } = phase.examples;
      const kind = kindOf(phase);
      return createExampleSource({
        task: tasks[taskNameOf(config.examples)],
        seed: run.seed,
        shardsOf: shardsOf(phase),
        shuffleWindowShards: run.windowShards,
        maxSeqLength,
        maxPredictions,
        globalBatch: phase.globalBatch,
        virtualRanks,
        microBatch,
        shards: {
          count: async (epoch, shard) => sizeOf(kind, epoch, shard),
          open: async (epoch, shard) => ({
            numExamples: sizeOf(kind, epoch, shard),
            countOf: () => 1,
            copyInto(batch: ExampleBatch, row: number, example: number) {
              const place = [kind, epoch, shard, example];
              columnOf(batch, 'inputIds').set(place, row * batch.seqLength);
            },
          }),
        },
      });
    });
  /** All examples of an epoch of a kind. */
  const epochOf = (kind: number, epoch: number): string[] =>
    Array.from(shardsOf(phases[kind]!)(epoch)).flatMap((shard) =>
      Array.from({ length: sizeOf(kind, epoch, shard) }, (_, example) =>
        text({ kind, epoch, shard, example }),
      ),
    );
  return { config, phases, virtualRanks, microBatch, source, epochOf };
}

/** The rows of a block of ranks, in order. */
function namesIn(batches: readonly ExampleBatch[]): Place[] {
  return batches.flatMap((batch) =>
    Array.from({ length: batch.batchSize }, (_, row) => {
      const [kind, epoch, shard, example] = columnOf(batch, 'inputIds').subarray(
        row * batch.seqLength,
      );
      return { kind: kind!, epoch: epoch!, shard: shard!, example: example! };
    }),
  );
}

describe('the examples of a run', () => {
  it('are each in one place of one step, epoch by epoch, whoever asks and from wherever', async () => {
    await fc.assert(
      fc.asyncProperty(runs, fc.nat(), async (run, chance) => {
        const { config, phases, virtualRanks, microBatch, source, epochOf } = setUp(run);
        const { numSteps } = config.train;
        const whole = source();
        const cursors: Cursor[] = [{ epoch: 0, index: 0 }];
        const used: { readonly phase: number; readonly places: Place[] }[] = [];
        for (let step = 0; step < numSteps; step++) {
          const examples = await whole.at(cursors[step]!, step);
          cursors.push(examples.to);
          const ranks = await examples.ranksOf({ start: 0, length: virtualRanks });
          expect(ranks.map(({ virtualRank }) => virtualRank)).toEqual([
            ...Array(virtualRanks).keys(),
          ]);
          for (const { microBatches } of ranks)
            for (const { batchSize } of microBatches) expect(batchSize).toBe(microBatch);
          const phase = phases.findIndex(({ endStep }) => step < endStep);
          const places = namesIn(ranks.flatMap(({ microBatches }) => microBatches));
          expect(places).toHaveLength(phases[phase]!.globalBatch);
          used.push({ phase, places });
        }

        // Whole epochs are used up, each example once; only where examples end with a phase is the rest left.
        const all = used.flatMap(({ places }) => places);
        expect(new Set(all.map(text)).size).toBe(all.length);
        for (const epoch of new Set(all.map((place) => place.epoch))) {
          const ofEpoch = all.filter((place) => place.epoch === epoch);
          const kinds = new Set(ofEpoch.map((place) => place.kind));
          expect(kinds.size).toBe(1);
          const [kind] = kinds;
          const last = all.findLast((place) => place.epoch === epoch)!;
          const next = all[all.lastIndexOf(last) + 1];
          const names = ofEpoch.map(text);
          const isUsedUp = next?.kind === kind;
          const whole = epochOf(kind!, epoch);
          expect(whole).toEqual(expect.arrayContaining(names));
          expect(isUsedUp ? whole.length : names.length).toBe(names.length);
        }

        // One that begins anywhere, and computes one block only, has the same.
        const step = chance % numSteps;
        const rank = chance % virtualRanks;
        const one = await source().at(cursors[step]!, step);
        expect(one.to).toEqual(cursors[step + 1]);
        const [alone] = await one.ranksOf({ start: rank, length: 1 });
        const { places } = used[step]!;
        const perRank = places.length / virtualRanks;
        expect(namesIn(alone!.microBatches)).toEqual(
          places.slice(rank * perRank, (rank + 1) * perRank),
        );
      }),
      { numRuns: 60 },
    );
  });
});
