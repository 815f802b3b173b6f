import { stat } from 'node:fs/promises';
import {
  BerthError,
  corpusPartsOf,
  requireSameHead,
  type FineTuning,
  type InitialModel,
  type LeftOut,
  type RunConfig,
} from '@berth/contracts';
import {
  checkLabelledFiles,
  createCorpusTally,
  isDatasetId,
  lookAtReadyDataset,
  openCorpus,
  openRows,
  parseVocabulary,
  readVocabularyFile,
  type Corpus,
} from '@berth/data';

/**
 * What can be told before anything is started: the corpus exists and can be read from its beginning, labelled rows are
 * sound where they are few enough to be read in seconds, and a given vocabulary is one, of the stated size.
 * @returns what lies in the corpus's folder and will not be read
 * @param statedVocabSize - `vocabulary.size` if the run file states it
 * @param model - that it begins with
 * @throws BerthError `DATA_*`; `CHECKPOINT_MISMATCH` for a model whose head is for something else
 */
export async function checkInput(
  config: RunConfig,
  statedVocabSize: number | undefined,
  model?: Pick<InitialModel, 'fineTuning'>,
): Promise<LeftOut> {
  const leftOut = await checkText(config, model?.fineTuning);
  const { path, doLowerCase } = config.vocabulary;
  if (path === undefined) return leftOut;
  const { tokens } = parseVocabulary(await readVocabularyFile(path, doLowerCase), path);
  if (statedVocabSize !== undefined && statedVocabSize !== tokens.length)
    throw new BerthError(
      'DATA_MISMATCH',
      `vocabulary.size is ${statedVocabSize}, but ${path} has ${tokens.length} tokens; leave the size out`,
    );
  return leftOut;
}

async function checkText(
  { corpus: place, task, init, examples: { maxSeqLength } }: RunConfig,
  learnt: FineTuning | undefined,
): Promise<LeftOut> {
  if (place !== undefined) {
    // What workers read may be out of sight here.
    const isHere = corpusPartsOf(place).every(({ path }) => !/^(s3|hf):\/\//.test(path));
    const { dataset } = place;
    if (isHere && dataset !== undefined && !isDatasetId(dataset)) await lookAtReadyDataset(dataset);
    if (!isHere || dataset !== undefined) return { numEntries: 0, first: [] };
    const corpus = await openCorpus(place);
    await readBeginning(corpus);
    return corpus.leftOut;
  }
  let numBytes = 0;
  for (const path of [task?.train, task?.eval])
    if (path !== undefined) {
      for await (const _row of openRows(path).rows()) break;
      numBytes += (await stat(path)).size;
    }
  if (task !== undefined && numBytes <= wholeBytes) {
    const fineTuning = await checkLabelledFiles(task, maxSeqLength);
    if (learnt !== undefined && init?.newHead !== true) requireSameHead(learnt, fineTuning);
  }
  return { numEntries: 0, first: [] };
}

/** Of labelled files that are read in seconds. */
const wholeBytes = 2 ** 25;
const beginningBytes = 2 ** 20;

/** What is wrong with a whole corpus mostly is so from its beginning. @throws BerthError `DATA_CORPUS_*` */
async function readBeginning(corpus: Corpus): Promise<void> {
  const read = createCorpusTally();
  for await (const _document of corpus.documents(read)) if (read.numBytes >= beginningBytes) return;
}
