import type { DataView, ShownDocument, ShownExample } from '@berth/contracts';
import type { SyntheticRun } from './synthetic-run.ts';

const words =
  'the congress of the united states met in december and heard that the public credit was restored ; commerce with foreign nations grew'.split(
    ' ',
  );

/** A look at data that nobody has, in every part. */
export function madeUpData({ config }: Pick<SyntheticRun, 'config'>): DataView {
  return {
    datasetId: '3f'.repeat(32),
    format: 'berth-dataset/3',
    report: {
      summary:
        '1 file, 226 documents (2 of one sentence), 63,061 sentences, 2,772,021 tokens, 3 % held out, 0.1 % [UNK]',
      findings: [
        {
          severity: 'warning',
          code: 'left-out',
          text: '1 file was left out: notes.pdf (no kind that is read)',
        },
      ],
    },
    numForgotten: 2,
    looked: {
      numDocuments: 180,
      ofDocuments: 226,
      numShards: 8,
      ofShards: 17,
      numExamples: 2_431,
      areWhole: false,
    },
    shares: [
      { name: 'fill', label: 'fill: tokens of a sequence', value: 0.951 },
      share(
        'random',
        'B from elsewhere, of long pairs',
        0.617,
        0.44,
        0.59,
        'half and single sentences, give or take chance',
      ),
      share(
        'predictions',
        'predictions of an example',
        9.98,
        9.96,
        9.99,
        '0.15 of the tokens, at most 20',
      ),
      share('mask', 'of these read as [MASK]', 0.803, 0.792, 0.808, '80 % give or take chance'),
    ],
    examples: Array.from({ length: 4 }, (_, example) =>
      exampleOf(example, config.examples.maxSeqLength),
    ),
    documentLengths: [12, 60, 94, 38, 8].map((count, bin) => ({
      from: 2 ** (9 + bin),
      to: 2 ** (10 + bin),
      count,
    })),
    exampleLengths: [
      { from: 16, to: 32, count: 31 },
      { from: 32, to: 64, count: 210 },
      { from: 64, to: 128, count: 2_190 },
    ],
    longest: [0, 1, 2].map((document) => documentOf(document, 55_720 - 9_000 * document)),
    mostUnknown: [documentOf(4, 0.031)],
    mostSymbols: [documentOf(5, 0.349), documentOf(6, 0.207)],
    duplicates: [documentOf(7, 3)],
  };
}

function share(
  name: string,
  label: string,
  value: number,
  low: number,
  high: number,
  source: string,
): DataView['shares'][number] {
  return { name, label, value, low, high, source };
}

function exampleOf(example: number, maxSeqLength: number): ShownExample {
  const numWords = Math.min(40, maxSeqLength - 3);
  const half = Math.floor(numWords / 2);
  const text = Array.from(
    { length: numWords },
    (_, at) => words[(at + 5 * example) % words.length]!,
  );
  const tokens = ['[CLS]', ...text.slice(0, half), '[SEP]', ...text.slice(half), '[SEP]'];
  const labels = [4, 9, 27].map((position) => ({ position, token: tokens[position]!, weight: 1 }));
  for (const { position } of labels) tokens[position] = position === 9 ? 'harvest' : '[MASK]';
  const source = { split: 'train', shard: 4, numSentences: 1, firstToken: 0 } as const;
  return {
    split: 'train',
    epoch: 0,
    shard: 4,
    example: 600 * example,
    tokens,
    ids: tokens.map((_, id) => id),
    segments: [
      { position: 0, numTokens: half + 2, segment: 0, sequence: 0 },
      { position: half + 2, numTokens: tokens.length - half - 2, segment: 1, sequence: 0 },
    ],
    labels,
    columns: { labelOfPair: [example % 2] },
    sources: [
      {
        ...source,
        position: 1,
        numTokens: half,
        document: 5,
        firstSentence: 12,
        name: 'sotu.jsonl.gz:6',
      },
      {
        ...source,
        position: half + 2,
        numTokens: numWords - half,
        document: 9,
        firstSentence: 3,
        numSentences: 2,
        name: 'sotu.jsonl.gz:10',
      },
    ],
  };
}

function documentOf(document: number, value: number): ShownDocument {
  const isCount = Number.isInteger(value) && value > 100;
  return {
    split: document === 5 ? 'heldOut' : 'train',
    shard: 2,
    document,
    ...(document < 5 && { name: `sotu.jsonl.gz:${document + 1}`, hash: 'ab'.repeat(16) }),
    numTokens: isCount ? value : 1_620,
    numSentences: 28 + document,
    value,
    beginning: words.slice(document, document + 18),
  };
}
