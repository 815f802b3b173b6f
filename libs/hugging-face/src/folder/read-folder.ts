import { existsSync } from 'node:fs';
import { BerthError, isBerthError, type FineTuning, type ParameterSpec } from '@berth/contracts';
import {
  createVocabulary,
  readJsonFile,
  readTokenizer,
  type JsonFile,
  type Vocabulary,
} from '@berth/data';
import {
  fineTuningModel,
  huggingFaceName,
  parameterLayout,
  taskModels,
  type TaskModel,
} from '@berth/model';
import { modelConfigOf } from '../config-json.ts';
import type { ModelSource } from '../model-source.ts';
import { fineTuningOf } from '../tasks/fine-tuning-heads.ts';
import { transpose } from '../transpose.ts';
import { toFloat32 } from './element-types.ts';
import { listFolderTensors, readFolderTensor, type FolderTensor } from './folder-tensors.ts';
import { matchTensors, untiedDecoder, type LoadingRow } from './match-tensors.ts';

/** A Hugging Face folder, opened: what it is, and its weights to be read one by one. */
export interface HuggingFaceFolder extends ModelSource {
  /** Every tensor of the folder, and every parameter that it lacks. */
  readonly rows: readonly LoadingRow[];
  /** What else a user should know. */
  readonly notes: readonly string[];
}

/**
 * Opens a folder that transformers has saved, or anything of that form: config.json, safetensors, a tokenizer.
 * @throws BerthError `CHECKPOINT_NOT_FOUND` when it is none, `CONFIG_INVALID`, `DATA_VOCABULARY_INVALID` or
 * `CHECKPOINT_MISMATCH` when berth cannot be what it says, `CHECKPOINT_CORRUPT` when a file is damaged
 */
export async function readHuggingFaceFolder(folder: string): Promise<HuggingFaceFolder> {
  const config = await configOf(folder);
  return readFolder(folder, config, taskModels.pretraining);
}

/**
 * Opens a folder with the head that its model was fine-tuned with.
 * @throws BerthError as `readHuggingFaceFolder`, and `CHECKPOINT_MISMATCH` when it has no such head, or not all of it
 */
export async function readFineTunedFolder(
  folder: string,
): Promise<HuggingFaceFolder & { readonly fineTuning: FineTuning }> {
  const config = await configOf(folder);
  const fineTuning = fineTuningOf(config);
  if (fineTuning === undefined)
    throw new BerthError(
      'CHECKPOINT_MISMATCH',
      `${config.path} says that the model is ${JSON.stringify(config.get('architectures') ?? null)}; one that is fine-tuned is ` +
        'BertForSequenceClassification, BertForTokenClassification or BertForQuestionAnswering',
    );
  const task = fineTuningModel(fineTuning);
  const found = await readFolder(folder, config, task, 'no part of its head');
  const [lost] = found.missing;
  if (lost === undefined) return { ...found, fineTuning };
  throw new BerthError(
    'CHECKPOINT_MISMATCH',
    `The weights in ${folder} lack ${huggingFaceName(lost).name}, which its head needs; was it saved before it was fine-tuned?`,
  );
}

/**
 * Opens a folder as what it is: with its head where it is fine-tuned, otherwise as `readHuggingFaceFolder`.
 * @throws BerthError as either
 */
export async function readModelFolder(folder: string): Promise<HuggingFaceFolder> {
  const isFineTuned = fineTuningOf(await configOf(folder)) !== undefined;
  return isFineTuned ? readFineTunedFolder(folder) : readHuggingFaceFolder(folder);
}

/** A folder, and why its head was left where berth does not have such a one. */
export interface AnyFolder {
  readonly folder: HuggingFaceFolder;
  readonly headProblem?: string;
}

/**
 * Opens a folder as `readModelFolder`; one with a head that berth does not have as an encoder.
 * @throws BerthError as that
 */
export async function readAnyFolder(path: string): Promise<AnyFolder> {
  try {
    return { folder: await readModelFolder(path) };
  } catch (error) {
    if (!isBerthError(error) || error.code !== 'CONFIG_INVALID') throw error;
    // What is wrong with the encoder is said again.
    return { folder: await readHuggingFaceFolder(path), headProblem: error.message };
  }
}

async function configOf(folder: string): Promise<JsonFile> {
  const config = await readJsonFile(folder, 'config.json');
  if (config === undefined)
    throw new BerthError(
      'CHECKPOINT_NOT_FOUND',
      existsSync(folder)
        ? `${folder} has no config.json, so it is no folder that Hugging Face's save_pretrained has written`
        : `There is no folder ${folder}`,
    );
  return config;
}

async function readFolder(
  folder: string,
  config: JsonFile,
  task: Pick<TaskModel, 'headShapes'>,
  reasonElse?: string,
): Promise<HuggingFaceFolder> {
  const model = modelConfigOf(config);
  const tensors = await listFolderTensors(folder);
  const layout = parameterLayout(model, task);
  const { byParameter, rows } = matchTensors(tensors, layout, folder, reasonElse);
  const isTied = config.get('tie_word_embeddings') !== false;
  if (!isTied) await checkDecoder(tensors, folder);
  const tokenizer = await readTokenizer(folder);
  const { vocabulary, note } = fillVocabulary(tokenizer.vocabulary, model.vocabSize, folder);
  return {
    where: folder,
    model,
    vocabulary,
    doLowerCase: tokenizer.doLowerCase,
    layout,
    missing: new Set(layout.map(({ name }) => name).filter((name) => !byParameter.has(name))),
    rows,
    notes: [...tokenizer.notes, ...note],
    async read({ name, shape }: ParameterSpec) {
      const match = byParameter.get(name);
      if (match === undefined)
        throw new BerthError('CHECKPOINT_MISMATCH', `${folder} has no weights for ${name}`);
      const values = toFloat32(match.tensor.dtype, await readFolderTensor(match.tensor));
      return match.isTransposed ? transpose(values, shape.toReversed()) : values;
    },
  };
}

/** @throws BerthError `CHECKPOINT_MISMATCH` when a decoder that is not tied to the word table differs from it */
async function checkDecoder(
  tensors: ReadonlyMap<string, FolderTensor>,
  folder: string,
): Promise<void> {
  const pair = untiedDecoder(tensors);
  if (pair === undefined) return;
  const [decoder, words] = await Promise.all([
    readFolderTensor(pair.decoder),
    readFolderTensor(pair.words),
  ]);
  if (Buffer.compare(decoder, words) === 0) return;
  throw new BerthError(
    'CHECKPOINT_MISMATCH',
    `${folder}: config.json says tie_word_embeddings false, and ${pair.decoder.name} differs from ` +
      `${pair.words.name}; berth has the tied decoder of the BERT release only`,
  );
}

/**
 * Some models have more rows in their word table than their vocabulary has tokens: each gets a name, so that it keeps its id.
 * @throws BerthError `DATA_VOCABULARY_INVALID` when there are fewer rows than tokens
 */
function fillVocabulary(
  vocabulary: Vocabulary,
  numRows: number,
  folder: string,
): { readonly vocabulary: Vocabulary; readonly note: readonly string[] } {
  const numTokens = vocabulary.tokens.length;
  if (numTokens === numRows) return { vocabulary, note: [] };
  if (numTokens > numRows)
    throw new BerthError(
      'DATA_VOCABULARY_INVALID',
      `${folder}: the vocabulary has ${numTokens} tokens, and the word table ${numRows} rows`,
    );
  const tokens = [...vocabulary.tokens];
  for (let index = 0; tokens.length < numRows; index++)
    if (!vocabulary.ids.has(`[unused${index}]`)) tokens.push(`[unused${index}]`);
  return {
    vocabulary: createVocabulary(tokens, folder),
    note: [
      `the word table has ${numRows} rows for ${numTokens} tokens; the others are called [unusedN]`,
    ],
  };
}
