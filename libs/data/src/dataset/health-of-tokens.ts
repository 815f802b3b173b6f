import {
  BerthError,
  judgeHealth,
  type DatasetHealth,
  type HealthSettings,
  type Recipe,
  type Tokenised,
} from '@berth/contracts';
import { mergeCorpusTallies } from '../corpus/corpus-tally.ts';

/** As much of a dataset's health as is known once all is tokenised: not yet of documents, and all tokens as of training. */
export function healthOfTokens(
  { plan: { numFiles, numBytes, leftOut } }: Pick<Recipe, 'plan'>,
  vocabulary: readonly string[],
  tokenised: readonly Tokenised[],
): DatasetHealth {
  const { numBytes: _read, ...read } = mergeCorpusTallies(tokenised.map((one) => one.read));
  const sum = (key: keyof Tokenised['tokens']): number =>
    tokenised.reduce((total, { tokens }) => total + tokens[key], 0);
  return {
    numFiles,
    numBytes,
    leftOut,
    ...read,
    numDocuments: tokenised.reduce((total, one) => total + one.numDocuments, 0),
    numOneSentenceDocuments: 0,
    numSentences: 0,
    numTrainTokens: tokenised.reduce((total, one) => total + one.numTokens, 0),
    numHeldOutTokens: 0,
    numUnknownTokens: sum('numUnknownTokens'),
    numCharacters: sum('numCharacters'),
    numUnknownCharacters: sum('numUnknownCharacters'),
    numDroppedCharacters: sum('numDroppedCharacters'),
    numLongWords: sum('numLongWords'),
    numCasedEntries: vocabulary.filter(isCased).length,
    coverage: [],
  };
}

/** @throws BerthError `DATA_UNSUITABLE` when training on such data makes no sense */
export function refuseUnsuitable(health: DatasetHealth, settings: HealthSettings): void {
  const refusals = judgeHealth(health, settings).filter(({ severity }) => severity === 'refusal');
  if (refusals.length === 0) return;
  throw new BerthError('DATA_UNSUITABLE', refusals.map(({ text }) => text).join('; '));
}

/** True for an entry that lower-casing would change; [MASK] and its like are no words. */
export function isCased(token: string): boolean {
  return !/^\[\w+\]$/.test(token) && token !== token.toLowerCase();
}
