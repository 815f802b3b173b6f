import type { FineTuning, FineTuningSection } from '@berth/contracts';
import { inputInvalid } from '../../rows/input-errors.ts';
import { openRows } from '../../rows/open-rows.ts';
import type { RowSource } from '../../rows/row.ts';
import type { TokenSpans } from '../../text/span-tokenizer.ts';
import type { Work } from '../../text/work.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import { createVocabulary } from '../../text/vocabulary.ts';
import { holdOutRows, type SplitRows } from './hold-out-rows.ts';
import { examplesFrom, surveyRows, type RowSurvey } from './labelled-rows.ts';

const defaultHeldOutRatio = 0.1;

/** The rows of both splits, and what is known of those to train on. */
export interface SurveyedRows extends SplitRows {
  readonly survey: RowSurvey;
}

/**
 * Goes through the training rows for their labels, and parts them from those that are held out.
 * @param open - a file of rows. @defaultValue as its name says
 * @throws BerthError as `surveyRows`; `DATA_INPUT_INVALID` when all rows are in one part
 */
export async function surveySplits(
  task: FineTuningSection,
  open: (path: string) => RowSource = openRows,
): Promise<SurveyedRows> {
  const source = open(task.train);
  const split =
    task.eval === undefined
      ? holdOutRows(source, task.heldOutRatio ?? defaultHeldOutRatio)
      : { train: source, heldOut: open(task.eval) };
  const survey = await surveyRows(source, task);
  await requireRows(split, task.train);
  return { ...split, survey };
}

/**
 * Goes through all rows of a fine-tuning and says what would keep them from becoming examples, without a vocabulary: what
 * `prepareLabelledDataset` would say of them.
 * @returns what they are for, with the labels that they have
 * @throws BerthError `DATA_INPUT_*`, `CONFIG_INVALID`
 */
export async function checkLabelledFiles(
  task: FineTuningSection,
  maxSeqLength: number,
): Promise<FineTuning> {
  const { train, heldOut, survey } = await surveySplits(task);
  const options = { tokenizer: noTokens, tokenizeSpans: oneToken, maxSeqLength };
  for (const rows of [train, heldOut])
    for await (const _example of examplesFrom(rows, survey, task, options));
  return survey.fineTuning;
}

/** What is wrong with rows does not depend on their tokens but for contexts that have none. */
const noTokens: Tokenizer = {
  vocabulary: createVocabulary(['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']),
  tokenize: () => [],
};

// oxlint-disable-next-line require-yield -- one token is no work to pause in
function* oneToken(text: string): Work<TokenSpans> {
  return text.trim() === ''
    ? { ids: [], starts: [], ends: [] }
    : { ids: [0], starts: [0], ends: [text.length] };
}

async function requireRows({ train, heldOut }: SplitRows, path: string): Promise<void> {
  const isEmpty = async ({ rows }: RowSource): Promise<boolean> => {
    for await (const _row of rows()) return false;
    return true;
  };
  const advice = 'task.heldOutRatio, or name a file in task.eval';
  if (await isEmpty(train))
    throw inputInvalid(path, `all rows are held out for evaluation: lower ${advice}`);
  if (await isEmpty(heldOut))
    throw inputInvalid(path, `no row is held out for evaluation: raise ${advice}`);
}
