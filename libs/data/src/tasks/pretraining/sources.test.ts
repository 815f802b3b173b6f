import { columnOf, parseRunConfig, sha256Hex, type ExamplesConfig } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { batchOf } from '../../examples/batch.ts';
import { packDocuments } from '../../dataset/document-shard.ts';
import { goldenExcerpt } from '../../testing/example-fixture.ts';
import { finish } from '../../text/work.ts';
import type { ExamplesRequest, TaskExamples } from '../task-examples.ts';
import { maskedLmExamples } from './masked-lm-examples.ts';
import { packedMaskedLmExamples, packedPretrainingExamples } from './packed-examples.ts';
import { pretrainingExamples } from './pretraining-examples.ts';

const { documents, vocabulary } = goldenExcerpt();
const half = Math.ceil(documents.length / 2);
const settings = parseRunConfig(
  { name: 'a', corpus: { path: 'x' }, examples: { maxSeqLength: 64, maxPredictions: 10 } },
  'test',
).examples;

function requestOf(change: Partial<ExamplesConfig>, format?: string): ExamplesRequest {
  return {
    format,
    documents: packDocuments(documents.slice(0, half)),
    others: [packDocuments(documents.slice(half))],
    vocabulary,
    settings: { ...settings, ...change },
    exampleSetId: '0'.repeat(64),
    split: 'train',
    seed: 7,
    epoch: 1,
    shard: 0,
  };
}

/** Each example of a shard with its masks taken back. */
function unmasked({ make, open, task }: TaskExamples, request: ExamplesRequest): number[][] {
  const bytes = finish(make(request));
  const reader = open(bytes, sha256Hex(bytes));
  return Array.from({ length: reader.numExamples }, (_, example) => {
    const batch = batchOf(task, request.settings, [{ reader, example }]);
    const ids = columnOf(batch, 'inputIds').subarray(0, reader.countOf('numTokens', example));
    const weights = columnOf(batch, 'maskedWeights');
    for (const [slot, position] of columnOf(batch, 'maskedPositions').entries())
      if (weights[slot] === 1) ids[position] = columnOf(batch, 'maskedIds')[slot]!;
    return [...ids];
  });
}

describe('sources of examples', () => {
  it.each([
    ['pairs of a shard', pretrainingExamples, {}, 'berth-examples/1'],
    ['pairs of a window', pretrainingExamples, {}, 'berth-examples/2'],
    ["Google's", pretrainingExamples, { mode: 'google', dupeFactor: 2 }, undefined],
    ['packed sentences', maskedLmExamples, { nextSentence: false }, undefined],
    ['rows of pairs', packedPretrainingExamples, { sequencesPerRow: 4 }, undefined],
    ['rows', packedMaskedLmExamples, { nextSentence: false, sequencesPerRow: 4 }, undefined],
  ] as const)('are what %s are made of', (_, examples, change, format) => {
    const request = requestOf(change, format);
    const made = Array.from(examples.sources(request), (sources) => [
      vocabulary.clsId,
      ...sources.flatMap(({ documents: { tokens }, start, end, beginsSequence }) => [
        ...(beginsSequence === true ? [vocabulary.clsId] : []),
        ...tokens.subarray(start, end),
        vocabulary.sepId,
      ]),
    ]);
    expect(made).toEqual(unmasked(examples, request));
    const own = [request.documents, ...(request.others ?? [])];
    for (const sources of examples.sources(request))
      for (const source of sources) expect(own).toContain(source.documents);
  });
});
