import { describe, expect, it } from 'vitest';
import { runConfigJsonSchema } from './run-config.ts';
import { parseRunConfig } from './config-parse.ts';
import { BerthError } from './errors.ts';
import { maxDatasetShards, maxShards } from './limits.ts';

const good = { name: 'a', corpus: { path: 'x' } };
const parts = [
  { name: 'wiki', path: 'wiki' },
  { name: 'books', path: 'books/*.txt' },
];

/** Two phases, of which the second has weights. */
function weighted(corpusWeights: Readonly<Record<string, number>>): unknown {
  return {
    name: 'a',
    corpus: { parts },
    phases: [{ numSteps: 2 }, { numSteps: 1, corpusWeights }],
  };
}

function refusal(input: unknown): string {
  try {
    parseRunConfig(input, 'run.yaml');
  } catch (error) {
    if (error instanceof BerthError) return error.message;
    throw error;
  }
  throw new Error('was accepted');
}

/** The path of every whole number in the schema. */
function counts(node: unknown, path: string[] = []): string[][] {
  const { properties, type } = node as { properties?: Record<string, unknown>; type?: string };
  if (type === 'integer') return [path];
  return Object.entries(properties ?? {}).flatMap(([key, below]) => counts(below, [...path, key]));
}

describe('a run config', () => {
  it('bounds every count', () => {
    const paths = counts(runConfigJsonSchema());
    expect(paths.length).toBeGreaterThan(25);
    for (const [first = '', second] of paths) {
      const section = {
        ...(first === 'task' && { kind: 'answer', train: 'squad.json' }),
        ...((good as Record<string, unknown>)[first] as object),
      };
      for (const huge of [1e12, 2 ** 53 - 1, 1e20]) {
        const input =
          second === undefined
            ? { ...good, [first]: huge }
            : { ...good, [first]: { ...section, [second]: huge } };
        const where = second === undefined ? first : `${first}.${second}`;
        expect(refusal(input)).toMatch(
          new RegExp(`^run.yaml: ${where}: must be at most \\d{1,10}, not ${huge}$`),
        );
      }
    }
  });

  it('takes what is large and sensible', () => {
    const { train } = parseRunConfig(
      {
        ...good,
        examples: { numShards: maxDatasetShards, readAheadShards: maxShards },
        train: { globalBatch: 65_536, virtualRanks: 65_536, numSteps: 10_000_000 },
      },
      'run.yaml',
    );
    expect(train.virtualRanks).toBe(65_536);
  });

  it('cuts no packed example short unless it is told to', () => {
    const ratioOf = (examples: object): number =>
      parseRunConfig({ ...good, examples }, 'run.yaml').examples.shortSeqRatio;
    expect(ratioOf({})).toBe(0.1);
    expect(ratioOf({ nextSentence: false })).toBe(0);
    expect(ratioOf({ nextSentence: false, shortSeqRatio: 0.2 })).toBe(0.2);
  });

  it.each([
    [{ name: 'a' }, /^run\.yaml: corpus: is missing: say where the text is/],
    [{ name: 'a', corpus: {} }, /^run\.yaml: corpus\.path: is missing: say where the text is/],
    [{ name: 'a', corpus: { path: 'a', dataset: 'b' } }, /corpus\.path: corpus\.dataset names/],
    [{ name: 'a', corpus: { dataset: 'b', duplicates: 'keep' } }, /corpus\.duplicates: corpus\.d/],
    [
      { name: 'a', corpus: { dataset: 'b' }, vocabulary: { doLowerCase: false } },
      /vocabulary\.doLowerCase: corpus\.dataset names a ready dataset, which has settled this/,
    ],
    [{ name: 'a', corpus: { dataset: 'b' }, examples: { numShards: 4 } }, /examples\.numShards/],
    [{ name: 'a', corpus: { path: 'a', parts } }, /corpus\.parts: goes instead of corpus\.path/],
    [
      { name: 'a', corpus: { parts: [...parts, ...parts] } },
      /corpus\.parts: two are named wiki; give each a name/,
    ],
    [
      { ...good, examples: { corpusWeights: { wiki: 1 } } },
      /examples\.corpusWeights: only a corpus with named parts has weights/,
    ],
    [
      weighted({ wiki: 1, boks: 2 }),
      /phases\.1\.corpusWeights: boks is none of corpus\.parts, which are wiki, books$/,
    ],
    [
      weighted({ wiki: 1 }),
      /phases\.1\.corpusWeights: books is left out: give each .* 0 for none of it$/,
    ],
    [weighted({ wiki: 0, books: 0 }), /no part has a weight above 0$/],
    [
      weighted({ wiki: -1, books: 0 }),
      /phases\.1\.corpusWeights\.wiki: must be at least 0, not -1$/,
    ],
    [
      { ...good, examples: { packAcrossDocuments: true } },
      /examples\.packAcrossDocuments: only examples of nextSentence false are packed$/,
    ],
    [
      { ...good, optimizer: { decayShape: '1-sqrt' } },
      /optimizer\.decayShape: only optimizer\.schedule wsd has it, and this is google$/,
    ],
    [{ corpus: { path: 'x' } }, /^run\.yaml: name is missing/],
    [{ ...good, train: null }, /train: must be a section with keys of its own, not empty$/],
    [{ ...good, corpus: 'x.txt' }, /corpus: must be a section .*, not "x\.txt"$/],
    [{ ...good, model: { size: 'bsae' } }, /not "bsae"; did you mean "base"\?$/],
    [
      { ...good, phases: [{ numSteps: 1, globalBatsh: 2 }] },
      /"phases\.0\.globalBatsh"; did you mean "globalBatch"\?$/,
    ],
    [
      { ...good, phases: [{ numSteps: 1, qqqqqq: 2 }] },
      /"phases\.0\.qqqqqq"; known keys: numSteps, /,
    ],
    [{ ...good, phases: 3 }, /phases: must be a list, not 3$/],
    [{ ...good, optimizer: { name: 'sgd' } }, /must be one of adamw, lamb, not "sgd"$/],
    [{ ...good, train: { numSteps: '5' } }, /train\.numSteps: must be a number, not "5"$/],
    [{ ...good, train: { numSteps: 0.5 } }, /must be a whole number, not 0\.5$/],
    [{ ...good, train: { numSteps: 0 } }, /must be above 0, not 0$/],
    [{ ...good, examples: { maxSeqLength: [] } }, /must be a number, not a list$/],
    [{ name: 'a', corpus: { path: 'x\u001b[2Jy' } }, /control characters/],
    [{ ...good, vocabulary: { path: 'a\nb' } }, /control characters/],
    [null, /^run\.yaml: config: must be a section/],
    [{ ...good, train: { virtualRanks: 12, globalBatch: 12 } }, /12 is not a power of two/],
    [
      JSON.parse('{"name":"a","corpus":{"path":"x"},"__proto__":{"a":1}}'),
      /unknown key "__proto__"/,
    ],
  ])('says in words what is wrong with %j', (input, message) => {
    expect(refusal(input)).toMatch(message);
  });

  it('cuts long keys and values, shows no control characters, and compares no long key', () => {
    const key = 'k'.repeat(200_000);
    const started = process.cpuUsage();
    for (let i = 0; i < 40; i++) expect(refusal({ ...good, [key]: 1 }).length).toBeLessThan(300);
    expect(process.cpuUsage(started).user / 1_000).toBeLessThan(1_000);
    expect(refusal({ ...good, [`\u001b]0;x\u0007${key}`]: 1 })).toMatch(/"\\u001b\]0;x\\u0007kkk/);
    expect(refusal({ ...good, model: { size: key } }).length).toBeLessThan(300);
    expect(refusal({ ...good, model: { size: '\u009b2J' } })).not.toMatch(/\u009b/);
  });

  it('names where each setting came from, also of two that do not fit each other', () => {
    const sourceOf = (path: readonly PropertyKey[]): string =>
      path.join('.') === 'train.virtualRanks' ? '--set train.virtualRanks=16' : 'run.yaml';
    const input = { ...good, train: { globalBatch: 24, virtualRanks: 16 } };
    expect(() => parseRunConfig(input, sourceOf)).toThrow(
      /^--set train\.virtualRanks=16: train\.globalBatch: 24 examples cannot be cut into 16/,
    );
  });
});
