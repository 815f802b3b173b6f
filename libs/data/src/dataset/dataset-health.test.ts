import { heldOutShardsOf } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { codesOf, datasetBench, documents, sentence, word } from '../testing/dataset-bench.ts';

const { store, write, prepare } = datasetBench();

describe('health of a dataset', () => {
  it('is good for a good corpus', async () => {
    const text = documents(60);
    const manifest = await prepare(await write('good.txt', text));
    expect(codesOf(manifest)).toEqual([]);
    expect(manifest.health).toMatchObject({
      numFiles: 1,
      numBytes: Buffer.byteLength(text),
      encodings: { 'utf-8': 1 },
      numDocuments: 60,
      numSentences: 360,
      numOneSentenceDocuments: 0,
      numEmptyDocuments: 0,
      numUnknownTokens: 0,
      numCharacters: text.replaceAll(/\s/g, '').length,
    });
    const numTokens = [...manifest.train, ...heldOutShardsOf(manifest)].reduce(
      (sum, shard) => sum + shard.numTokens,
      0,
    );
    expect(manifest.health.numTrainTokens + manifest.health.numHeldOutTokens).toBe(numTokens);
  });

  it('tells of what was passed over', async () => {
    const records = [
      ...Array.from({ length: 40 }, (_, n) => ({ sentences: [sentence(n), sentence(n + 1)] })),
      { text: '' },
      { sentences: ['\u200b'] },
      { sentences: [`${'x'.repeat(201)} here.`, 'It was \u0093so\u0094.'] },
    ];
    const path = await write(
      'passed.jsonl',
      records.map((record) => JSON.stringify(record)).join('\n'),
    );
    const manifest = await prepare(path);
    expect(manifest.health).toMatchObject({
      numDocuments: 41,
      numEmptyDocuments: 2,
      numLongWords: 1,
      numUnknownCharacters: 201,
      numDroppedCharacters: 2,
    });
    expect(codesOf(manifest)).toEqual(['dropped-characters', 'empty-documents', 'long-words']);
  });

  it('tells that few sentences reach an example whole', async () => {
    const long = Array.from(
      { length: 20 },
      (_, i) => `${Array.from({ length: 400 }, (__, n) => word(n + i)).join(' ')}.\n${sentence(2)}`,
    );
    const manifest = await prepare(await write('long.txt', long.join('\n\n')), {
      corpus: { sentenceMode: 'lines' },
    });
    expect(codesOf(manifest)).toEqual(['low-coverage']);
  });

  it('tells that another share of the tokens is held out than asked for', async () => {
    const path = await write(
      'large.txt',
      `${documents(1, 200)}\n\n${documents(1, 300)}\n\n${documents(1)}`,
    );
    expect(codesOf(await prepare(path))).toEqual(['held-out-share']);
  });

  it.each([
    ['a cased vocabulary, lower-cased text', true, /doLowerCase: false/],
    ['an uncased vocabulary, cased text', false, /doLowerCase: true/],
  ])('refuses %s, before shards are put together', async (_case, doLowerCase, advice) => {
    const text = documents(30).toUpperCase();
    const words = [...new Set(text.split(/[\s.]+/))].filter((entry) => entry !== '');
    const tokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', '.', ...words];
    const vocabulary = tokens.map((token) =>
      doLowerCase || token.startsWith('[') ? token : token.toLowerCase(),
    );
    const path = await write('vocab.txt', vocabulary.join('\n'));
    const shards = async (): Promise<string[]> =>
      (await store.list('datasets')).map(({ key }) => key).filter((key) => key.endsWith('.bdoc'));
    const before = await shards();
    await expect(
      prepare(await write('upper.txt', text), { vocabulary: { path, doLowerCase } }),
    ).rejects.toMatchObject({
      code: 'DATA_UNSUITABLE',
      message: expect.stringMatching(advice) as string,
    });
    expect(await shards()).toEqual(before);
  });

  it('refuses documents of one sentence each', async () => {
    const path = await write(
      'tweets.txt',
      Array.from({ length: 40 }, (_, n) => sentence(n)).join('\n\n'),
    );
    await expect(prepare(path)).rejects.toMatchObject({
      code: 'DATA_UNSUITABLE',
      message: expect.stringContaining('every document has one sentence') as string,
    });
  });
});
