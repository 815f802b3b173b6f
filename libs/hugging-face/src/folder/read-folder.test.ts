import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeSafetensors, type SafeTensor } from '@berth/checkpoint';
import { temporaryFolder } from '@berth/testing';
import { describe, expect, it } from 'vitest';
import { readWeights } from '../model-source.ts';
import {
  microConfigJson,
  microModel,
  microTensors,
  microTokens,
  microWeights,
  writeMicroFolder,
} from '../testing/micro-folder.ts';
import { readHuggingFaceFolder, type HuggingFaceFolder } from './read-folder.ts';

type Files = Parameters<typeof writeMicroFolder>[1];

async function written(files: Files = {}): Promise<string> {
  const { path } = await temporaryFolder();
  return writeMicroFolder(path, files);
}

async function opened(files: Files = {}): Promise<HuggingFaceFolder> {
  return readHuggingFaceFolder(await written(files));
}

const statesOf = ({ rows }: HuggingFaceFolder, state: string): string[] =>
  rows.filter((row) => row.state === state).map(({ name }) => name);

const refusal = (code: string, message: RegExp): Error =>
  expect.objectContaining({ code, message: expect.stringMatching(message) as unknown }) as Error;

describe('a Hugging Face folder', () => {
  it('gives its model, vocabulary and weights', async () => {
    const source = await opened();
    expect(source.model).toEqual(microModel);
    expect(source.vocabulary.tokens).toEqual(microTokens);
    expect(source.missing.size).toBe(0);
    expect(statesOf(source, 'loaded')).toHaveLength(source.layout.length);
    expect(await readWeights(source)).toEqual(microWeights);
  });

  it('is read by the names of bare encoders and of old layer norms, and says which heads it lacks', async () => {
    const tensors = microTensors()
      .filter(({ name }) => !name.startsWith('cls.'))
      .map((tensor) => ({
        ...tensor,
        name: tensor.name
          .replace(/^bert\./, '')
          .replace(/LayerNorm\.weight/, 'LayerNorm.gamma')
          .replace(/LayerNorm\.bias/, 'LayerNorm.beta'),
      }));
    const source = await opened({ tensors });
    expect(statesOf(source, 'missing').map((name) => name.split('.')[0])).toEqual(
      Array(7).fill('cls'),
    );
    expect([...source.missing]).toContain('cls/predictions/transform/dense/kernel');
    const weights = await readWeights(source);
    const head = source.layout.find(({ name }) => name.startsWith('cls/'))!.offset;
    expect(weights.subarray(0, head)).toEqual(microWeights.subarray(0, head));
    expect(weights.subarray(head).some((value) => value !== 0)).toBe(false);
  });

  it('ignores what is tied, what is no weight and what other tasks have added', async () => {
    const like = (name: string, of: string): SafeTensor => ({
      ...microTensors().find((tensor) => tensor.name === of)!,
      name,
    });
    const source = await opened({
      tensors: [
        ...microTensors(),
        like('cls.predictions.decoder.weight', 'bert.embeddings.word_embeddings.weight'),
        like('cls.predictions.decoder.bias', 'cls.predictions.bias'),
        like('classifier.bias', 'cls.seq_relationship.bias'),
        {
          name: 'bert.embeddings.position_ids',
          dtype: 'I64',
          shape: [1],
          bytes: new Uint8Array(8),
        },
      ],
    });
    const unused = source.rows.filter(({ state }) => state === 'unused');
    expect(Object.fromEntries(unused.map(({ name, reason }) => [name, reason]))).toEqual({
      'cls.predictions.decoder.weight': 'tied to what is loaded',
      'cls.predictions.decoder.bias': 'tied to what is loaded',
      'classifier.bias': 'no part of pre-training',
      'bert.embeddings.position_ids': 'no weight',
    });
    expect(await readWeights(source)).toEqual(microWeights);
  });

  it('says which layers its config.json leaves out', async () => {
    const source = await opened({ config: { ...microConfigJson, num_hidden_layers: 1 } });
    const unused = source.rows.filter(({ state }) => state === 'unused');
    expect(unused).toHaveLength(16);
    for (const { name, reason } of unused)
      expect([name, reason]).toEqual([
        expect.stringMatching(/^bert\.encoder\.layer\.1\./),
        'config.json has no place for it',
      ]);
  });

  it('takes the bias of the decoder where it has no other', async () => {
    const tensors = microTensors().map((tensor) =>
      tensor.name === 'cls.predictions.bias'
        ? { ...tensor, name: 'cls.predictions.decoder.bias' }
        : tensor,
    );
    expect((await opened({ tensors })).missing.size).toBe(0);
  });

  it('may be in several files', async () => {
    const folder = await written({ tensors: [] });
    const tensors = microTensors();
    const halves = [tensors.slice(0, 9), tensors.slice(9)];
    const weightMap: Record<string, string> = {};
    for (const [index, half] of halves.entries()) {
      const file = `model-0000${index + 1}-of-00002.safetensors`;
      writeFileSync(join(folder, file), encodeSafetensors(half));
      for (const { name } of half) weightMap[name] = file;
    }
    const index = join(folder, 'model.safetensors.index.json');
    writeFileSync(index, JSON.stringify({ weight_map: weightMap }));
    expect(await readWeights(await readHuggingFaceFolder(folder))).toEqual(microWeights);
    weightMap['bert.pooler.dense.bias'] = '../other.safetensors';
    writeFileSync(index, JSON.stringify({ weight_map: weightMap }));
    await expect(readHuggingFaceFolder(folder)).rejects.toThrow(
      'no safetensors file of this folder',
    );
  });

  it('may have weights of 16 bits', async () => {
    const narrow = (dtype: 'F16' | 'BF16', bits: (value: number) => number): SafeTensor[] =>
      microTensors().map((tensor) => {
        const values = new Float32Array(tensor.bytes.slice().buffer);
        const words = Uint16Array.from(values, bits);
        return { ...tensor, dtype, bytes: new Uint8Array(words.buffer) };
      });
    const scratch = new DataView(new ArrayBuffer(4));
    const upperHalf = (value: number): number => {
      scratch.setFloat32(0, value);
      return scratch.getUint16(0);
    };
    const weights = await readWeights(await opened({ tensors: narrow('BF16', upperHalf) }));
    expect(
      weights.every(
        (value, index) => Math.abs(value - microWeights[index]!) <= 2 ** -7 * Math.abs(value),
      ),
    ).toBe(true);
    // 1, -2, the smallest subnormal and 65504 as binary16
    const halves = [0x3c00, 0xc000, 0x0001, 0x7bff];
    const tensors = narrow('F16', () => halves[0]!);
    const bias = tensors.find(({ name }) => name === 'bert.embeddings.LayerNorm.bias')!;
    new Uint16Array(bias.bytes.buffer).set(halves);
    const source = await opened({ tensors });
    const beta = source.layout.find(({ name }) => name === 'bert/embeddings/LayerNorm/beta')!;
    expect([...(await source.read(beta))].slice(0, 4)).toEqual([1, -2, 2 ** -24, 65504]);
  });

  it('may have more rows than tokens, which are then named', async () => {
    const tokens = microTokens.slice(0, -2).map((token) => `${token}\n`);
    const source = await opened({ others: { 'vocab.txt': tokens.join('') } });
    expect(source.vocabulary.tokens.slice(-2)).toEqual(['[unused0]', '[unused1]']);
    expect(source.notes.join()).toContain('12 rows for 10 tokens');
  });

  it.each<[string, string, RegExp, Files]>([
    [
      'of another family',
      'CONFIG_INVALID',
      /model_type is roberta/,
      { config: { ...microConfigJson, model_type: 'roberta' } },
    ],
    [
      'with relative positions',
      'CONFIG_INVALID',
      /relative_key/,
      { config: { ...microConfigJson, position_embedding_type: 'relative_key' } },
    ],
    [
      'with an unknown activation',
      'CONFIG_INVALID',
      /hidden_act is relu; berth knows gelu/,
      { config: { ...microConfigJson, hidden_act: 'relu' } },
    ],
    [
      'with one segment',
      'CONFIG_INVALID',
      /type_vocab_size is 1; the examples/,
      { config: { ...microConfigJson, type_vocab_size: 1 } },
    ],
    [
      'with a size that is none',
      'CONFIG_INVALID',
      /hidden_size must be a whole number/,
      { config: { ...microConfigJson, hidden_size: '8' } },
    ],
    [
      'whose sizes are not those of its tensors',
      'CHECKPOINT_MISMATCH',
      /intermediate\.dense\.weight is \[32, 8\]/,
      { config: { ...microConfigJson, intermediate_size: 16 } },
    ],
    [
      'without its encoder',
      'CHECKPOINT_MISMATCH',
      /lacks bert\.encoder\.layer\.1/,
      { tensors: microTensors().filter(({ name }) => !name.includes('layer.1')) },
    ],
    [
      'without a tokenizer',
      'DATA_VOCABULARY_INVALID',
      /neither tokenizer.json nor vocab.txt/,
      { others: {} },
    ],
    [
      'with more tokens than rows',
      'DATA_VOCABULARY_INVALID',
      /13 tokens, and the word table 12 rows/,
      { others: { 'vocab.txt': [...microTokens, 'x'].join('\n') } },
    ],
    [
      'with a pickle',
      'CHECKPOINT_NOT_FOUND',
      /pytorch_model\.bin is a pickle.*save_file/s,
      { tensors: [], others: { 'pytorch_model.bin': '' } },
    ],
    [
      'with weights of TensorFlow',
      'CHECKPOINT_NOT_FOUND',
      /tf_model\.h5 is of a framework/,
      { tensors: [], others: { 'tf_model.h5': '' } },
    ],
    [
      'that is damaged',
      'CHECKPOINT_CORRUPT',
      /model\.safetensors cannot be used/,
      { tensors: [], others: { 'model.safetensors': 'no' } },
    ],
  ])('%s is refused', async (_, code, message, files) => {
    await expect(opened(files)).rejects.toThrow(refusal(code, message));
  });

  it('is refused when its decoder is not tied', async () => {
    const words = microTensors().find(({ name }) => name.includes('word_embeddings'))!;
    const decoder = { ...words, name: 'cls.predictions.decoder.weight' };
    const config = { ...microConfigJson, tie_word_embeddings: false };
    await opened({ config, tensors: [...microTensors(), decoder] });
    const other = { ...decoder, bytes: new Uint8Array(words.bytes.byteLength) };
    await expect(opened({ config, tensors: [...microTensors(), other] })).rejects.toThrow(
      refusal('CHECKPOINT_MISMATCH', /differs from/),
    );
  });

  it('that is none is refused', async () => {
    const { path } = await temporaryFolder();
    await expect(readHuggingFaceFolder(path)).rejects.toThrow('has no config.json');
    await expect(readHuggingFaceFolder(join(path, 'nope'))).rejects.toThrow('There is no folder');
  });
});
