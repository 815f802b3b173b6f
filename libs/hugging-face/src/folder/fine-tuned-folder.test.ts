import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeSafetensors, encodeSafetensors } from '@berth/checkpoint';
import type { FineTuning } from '@berth/contracts';
import { createVocabulary } from '@berth/data';
import { fineTuningModel, initialWeights, parameterLayout } from '@berth/model';
import { temporaryFolder } from '@berth/testing';
import { describe, expect, it } from 'vitest';
import { readWeights, type ModelSource } from '../model-source.ts';
import { microModel, microTokens, writeMicroFolder } from '../testing/micro-folder.ts';
import { writeHuggingFaceFolder } from '../writing/write-folder.ts';
import { readFineTunedFolder, readHuggingFaceFolder } from './read-folder.ts';

const labels = ['no', 'yes', 'says "perhaps"'];
const sequence = 'BertForSequenceClassification';
const id2label = { '0': labels[0], '1': labels[1], '2': labels[2] };

function sourceOf(fineTuning: FineTuning): ModelSource & { weights: Float32Array } {
  const layout = parameterLayout(microModel, fineTuningModel(fineTuning));
  const weights = initialWeights(layout, microModel, 5);
  return {
    where: 'a test',
    model: microModel,
    vocabulary: createVocabulary(microTokens),
    doLowerCase: true,
    fineTuning,
    layout,
    missing: new Set(),
    weights,
    read: async ({ offset, size }) => weights.slice(offset, offset + size),
  };
}

async function written(
  fineTuning: FineTuning,
): Promise<{ to: string; source: ReturnType<typeof sourceOf>; config: Record<string, unknown> }> {
  const { path } = await temporaryFolder();
  const to = join(path, 'to');
  const source = sourceOf(fineTuning);
  await writeHuggingFaceFolder(source, to);
  return { to, source, config: configIn(to) };
}

const configIn = (folder: string) =>
  JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as Record<string, unknown>;

function changeConfig(folder: string, changes: Record<string, unknown>): void {
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...configIn(folder), ...changes }));
}

describe('a folder of a fine-tuned model', () => {
  it.each([
    [
      { kind: 'classify', labels },
      { architectures: [sequence], problem_type: 'single_label_classification', id2label },
      ['classifier.weight', 'bert.pooler.dense.weight'],
    ],
    [
      { kind: 'classify-many', labels },
      { architectures: [sequence], problem_type: 'multi_label_classification', id2label },
      ['classifier.weight', 'bert.pooler.dense.weight'],
    ],
    [
      { kind: 'regress' },
      { architectures: [sequence], problem_type: 'regression', id2label: { '0': 'LABEL_0' } },
      ['classifier.weight', 'bert.pooler.dense.weight'],
    ],
    [
      { kind: 'tag', labels },
      { architectures: ['BertForTokenClassification'], id2label },
      ['classifier.weight'],
    ],
    [{ kind: 'answer' }, { architectures: ['BertForQuestionAnswering'] }, ['qa_outputs.weight']],
  ] as const)('says what its head is for, and opens again: %o', async (fineTuning, says, has) => {
    const { to, source, config } = await written(fineTuning);
    expect(config).toMatchObject(says);
    const named = Object.entries((config['label2id'] ?? {}) as Record<string, number>);
    expect(Object.fromEntries(named.map(([label, id]) => [String(id), label]))).toEqual(
      config['id2label'] ?? {},
    );
    const { tensors } = decodeSafetensors(readFileSync(join(to, 'model.safetensors')));
    expect(
      [...tensors.keys()].filter((name) =>
        /^(classifier|qa_outputs|bert\.pooler).*weight/.test(name),
      ),
    ).toEqual(expect.arrayContaining([...has]));
    expect(tensors.size).toBe(source.layout.length);
    const again = await readFineTunedFolder(to);
    expect(again.fineTuning).toEqual(fineTuning);
    expect(again.rows.every(({ state }) => state === 'loaded')).toBe(true);
    expect(await readWeights(again)).toEqual(source.weights);
  });

  it('is an encoder to what begins with it: its head is unused', async () => {
    const { to } = await written({ kind: 'tag', labels });
    const { rows, missing, fineTuning } = await readHuggingFaceFolder(to);
    expect(fineTuning).toBeUndefined();
    expect(rows.filter(({ state }) => state === 'unused').map(({ name }) => name)).toEqual([
      'classifier.weight',
      'classifier.bias',
    ]);
    expect(missing.has('bert/pooler/dense/kernel')).toBe(true);
  });

  it('without names has those that transformers gives, and without a type the one it takes', async () => {
    const { to } = await written({ kind: 'classify', labels });
    changeConfig(to, { id2label: null, num_labels: 3, problem_type: null });
    const names = ['LABEL_0', 'LABEL_1', 'LABEL_2'];
    const { fineTuning } = await readFineTunedFolder(to);
    expect(fineTuning).toEqual({ kind: 'classify', labels: names });
  });

  it.each([
    [{ id2label: { '0': 'a', '2': 'c' } }, 'and has none for 1'],
    [{ id2label: {} }, 'and has none for 0'],
    [{ id2label: { '0': 'a', '1': 'b', '2': 'a' } }, 'id2label has "a" twice'],
    [
      { id2label: { '0': 'a', '1': 'b' } },
      'classifier.weight is [3, 8], and config.json means [2, 8]',
    ],
    [{ problem_type: 'regression' }, 'berth has regression of one value'],
    [{ problem_type: 'ranking' }, 'problem_type is "ranking"'],
    [
      { architectures: ['BertForMultipleChoice'] },
      'says that the model is ["BertForMultipleChoice"]',
    ],
  ])('is refused with %o', async (changes, message) => {
    const { to } = await written({ kind: 'classify', labels });
    changeConfig(to, changes);
    await expect(readFineTunedFolder(to)).rejects.toThrow(message);
  });

  it('is refused without its head', async () => {
    const { to } = await written({ kind: 'classify', labels });
    const path = join(to, 'model.safetensors');
    const { tensors } = decodeSafetensors(readFileSync(path));
    const others = [...tensors.values()].filter(({ name }) => !name.startsWith('classifier'));
    writeFileSync(path, encodeSafetensors(others));
    await expect(readFineTunedFolder(to)).rejects.toThrow(
      /lack classifier\.weight, which its head/,
    );
    const { path: other } = await temporaryFolder();
    await expect(readFineTunedFolder(writeMicroFolder(join(other, 'a')))).rejects.toThrow(
      'says that the model is ["BertForPreTraining"]',
    );
  });
});
