import { z } from 'zod';
import type { DatasetHealth, LeftOut, VocabularyExtension } from './dataset-health.ts';

/** Something about a dataset that its user should know before training begins. */
export const healthFindingSchema = z.strictObject({
  /** refusal: training on it makes no sense. */
  severity: z.enum(['warning', 'refusal']),
  code: z.enum([
    'unknown-tokens',
    'cased-vocabulary',
    'one-sentence-documents',
    'low-coverage',
    'left-out',
    'empty-documents',
    'bad-input',
    'null-texts',
    'cut-documents',
    'dropped-characters',
    'long-words',
    'held-out-share',
  ]),
  /** What, where and how to mend it. */
  text: z.string(),
});
export type HealthFinding = z.output<typeof healthFindingSchema>;

/** A dataset's health in words. */
export const datasetReportSchema = z.strictObject({
  /** Its numbers, on one line. */
  summary: z.string(),
  findings: z.array(healthFindingSchema),
});
export type DatasetReport = z.output<typeof datasetReportSchema>;

/** The settings that health numbers are judged by. */
export interface HealthSettings {
  readonly doLowerCase: boolean;
  readonly heldOutRatio: number;
  /** Left out where examples are not known yet: coverage is not judged then. */
  readonly maxSeqLength?: number;
  /** Whether examples are pairs of sentences; others lose no token and can do with single ones. @defaultValue true */
  readonly pairsSentences?: boolean;
}

/** What is wrong with a dataset, worst first. */
export function judgeHealth(health: DatasetHealth, settings: HealthSettings): HealthFinding[] {
  const judges = [
    judgeUnknown,
    judgeCase,
    judgeSentences,
    judgeCoverage,
    judgeDropped,
    judgeHeldOut,
    judgeBad,
    judgeLeftOut,
    judgeEmpty,
    judgeNull,
    judgeCut,
    judgeLongWords,
  ];
  const findings = judges.flatMap((judge) => judge(health, settings) ?? []);
  return findings.toSorted((a, b) => rank(a) - rank(b));
}

/** The dataset in numbers, on one line. */
export function describeHealth(health: DatasetHealth): string {
  const { numDocuments, numSentences, numTrainTokens, numHeldOutTokens } = health;
  const encodings = Object.entries(health.encodings)
    .filter(([encoding]) => encoding !== 'utf-8')
    .map(([encoding, numFiles]) => `${plural(numFiles, 'file')} in ${encoding}`);
  const counts = [
    plural(health.numFiles, 'file'),
    ...encodings,
    `${plural(numDocuments, 'document')} (${number(health.numOneSentenceDocuments)} of one sentence)`,
    ...(health.numDuplicates ? [plural(health.numDuplicates, 'duplicate')] : []),
    ...(health.numNearDuplicates ? [plural(health.numNearDuplicates, 'near duplicate')] : []),
    plural(numSentences, 'sentence'),
    plural(numTrainTokens + numHeldOutTokens, 'token'),
    `${percent(share(numHeldOutTokens, numTrainTokens + numHeldOutTokens))} held out`,
    `${percent(unknownShare(health))} [UNK]`,
  ];
  if (health.extension !== undefined) counts.push(describeExtension(health.extension));
  return counts.join(', ');
}

/** What it was for: fewer [UNK], and fewer pieces a word. */
function describeExtension({ numPieces, numWords, before, after }: VocabularyExtension): string {
  const unknown = [before, after].map(({ numUnknownTokens, numTokens }) =>
    percent(share(numUnknownTokens, numTokens)),
  );
  const pieces = [before, after].map(({ numTokens }) => share(numTokens, numWords).toFixed(3));
  return (
    `vocabulary extended by ${plural(numPieces, 'piece')}: [UNK] ${unknown.join(' -> ')}, ` +
    `pieces a word ${pieces.join(' -> ')}`
  );
}

type Judge = (health: DatasetHealth, settings: HealthSettings) => HealthFinding | undefined;

const maxUnknown = 0.02;
const maxUnknownAtAll = 0.5;

const judgeUnknown: Judge = (health, { doLowerCase }) => {
  const unknown = unknownShare(health);
  if (unknown <= maxUnknown) return undefined;
  const { numCasedEntries } = health;
  let advice = 'raise vocabulary.size, or use a vocabulary made for this text';
  if (doLowerCase && numCasedEntries > 0)
    advice = `${unmatched(numCasedEntries)}: set vocabulary.doLowerCase: false`;
  else if (!doLowerCase && numCasedEntries === 0)
    advice = 'no entry of the vocabulary has a capital letter: set vocabulary.doLowerCase: true';
  const lost = share(health.numUnknownCharacters, health.numCharacters);
  return {
    severity: unknown > maxUnknownAtAll ? 'refusal' : 'warning',
    code: 'unknown-tokens',
    text:
      `${percent(unknown)} of the tokens are [UNK]` +
      // Of a dataset that was made elsewhere nobody has seen them.
      `${health.numCharacters === 0 ? '' : `, which hide ${percent(lost)} of the characters`}: ${advice}`,
  };
};

const judgeCase: Judge = (health, { doLowerCase }) => {
  const { numCasedEntries } = health;
  if (!doLowerCase || numCasedEntries === 0 || unknownShare(health) > maxUnknown) return undefined;
  return {
    severity: 'warning',
    code: 'cased-vocabulary',
    text: `${unmatched(numCasedEntries)}: set vocabulary.doLowerCase: false, or use an uncased vocabulary`,
  };
};

function unmatched(numCasedEntries: number): string {
  const entries = plural(numCasedEntries, 'entry', 'entries');
  return `${entries} of the vocabulary with a capital letter match nothing in lower-cased text`;
}

const judgeSentences: Judge = (
  { numDocuments, numOneSentenceDocuments },
  { pairsSentences = true },
) => {
  if (!pairsSentences) return undefined;
  const one = share(numOneSentenceDocuments, numDocuments);
  if (one <= 0.5) return undefined;
  return {
    severity: one === 1 ? 'refusal' : 'warning',
    code: 'one-sentence-documents',
    text:
      `${one === 1 ? 'every document has' : `${percent(one)} of the documents have`} one sentence, so their next ` +
      'sentences are always random and nothing is learnt of what follows what: leave blank lines between documents ' +
      'only, or set corpus.sentenceMode (lines: one sentence a line)',
  };
};

const minCoverage = 0.5;

const judgeCoverage: Judge = ({ coverage }, { maxSeqLength = 0, pairsSentences = true }) => {
  if (!pairsSentences) return undefined;
  const measured = coverage.findLast((entry) => entry.maxSeqLength <= maxSeqLength);
  if (measured === undefined || measured.ratio >= minCoverage) return undefined;
  return {
    severity: 'warning',
    code: 'low-coverage',
    text:
      `about ${percent(measured.ratio)} of the tokens reach an example in an epoch, as most sentences are longer than an ` +
      'example: set corpus.sentenceMode (lines: one sentence a line), or raise examples.maxSeqLength',
  };
};

const judgeDropped: Judge = ({ numDroppedCharacters, numCharacters }) => {
  if (share(numDroppedCharacters, numCharacters) <= 1e-4) return undefined;
  return {
    severity: 'warning',
    code: 'dropped-characters',
    text:
      `${plural(numDroppedCharacters, 'control or replacement character')} in the text will be dropped: it was ` +
      'probably converted from the wrong encoding, such as Windows-1252 read as Latin-1; convert the original again',
  };
};

const judgeHeldOut: Judge = ({ numHeldOutTokens, numTrainTokens }, { heldOutRatio }) => {
  const actual = share(numHeldOutTokens, numHeldOutTokens + numTrainTokens);
  if (actual <= 2 * heldOutRatio + 0.05 && actual >= heldOutRatio / 4) return undefined;
  return {
    severity: 'warning',
    code: 'held-out-share',
    text:
      `${percent(actual)} of the tokens are held out instead of ${percent(heldOutRatio)}, since documents are held out ` +
      'whole: split large documents, or change corpus.heldOutRatio (0 holds out nothing)',
  };
};

const judgeLeftOut: Judge = ({ leftOut }) =>
  leftOut.numEntries === 0
    ? undefined
    : { severity: 'warning', code: 'left-out', text: describeLeftOut(leftOut) };

/** What was left out of a corpus, the first of it by name. */
export function describeLeftOut({ numEntries, first }: LeftOut): string {
  const named = first.map(({ name, reason }) => `${name} (${reason})`);
  const numMore = numEntries - named.length;
  const more = numMore > 0 ? ` and ${number(numMore)} more` : '';
  return (
    `left out of the corpus: ${named.join(', ')}${more}: ` +
    'convert what belongs to it, or name by a glob in corpus.path what does'
  );
}

const judgeEmpty: Judge = ({ numEmptyDocuments }) =>
  numEmptyDocuments === 0
    ? undefined
    : {
        severity: 'warning',
        code: 'empty-documents',
        text: `${plural(numEmptyDocuments, 'document')} without any text passed over: nothing needs to be done if that is right`,
      };

const judgeBad: Judge = ({ bad }) => {
  if (bad === undefined || bad.numRecords + bad.numFiles === 0) return undefined;
  const { numRecords, numFiles, first } = bad;
  const counts = [
    ...(numRecords > 0 ? [plural(numRecords, 'line or record', 'lines and records')] : []),
    ...(numFiles > 0 ? [plural(numFiles, 'file')] : []),
  ];
  const named = first.map(({ name, problem }) => `${name}: ${problem}`);
  const numMore = numRecords + numFiles - first.length;
  return {
    severity: 'warning',
    code: 'bad-input',
    text: `${counts.join(' and ')} passed over that could not be read: ${named.join('; ')}${numMore > 0 ? `; and ${number(numMore)} more` : ''}`,
  };
};

const judgeNull: Judge = ({ numNullTexts = 0 }) =>
  numNullTexts === 0
    ? undefined
    : {
        severity: 'warning',
        code: 'null-texts',
        text: `${plural(numNullTexts, 'record')} without text passed over: nothing needs to be done if that is right`,
      };

const judgeCut: Judge = ({ numCutDocuments = 0 }) =>
  numCutDocuments === 0
    ? undefined
    : {
        severity: 'warning',
        code: 'cut-documents',
        text:
          `${plural(numCutDocuments, 'document')} of more than 4 Mi characters cut into several: ` +
          'put blank lines between documents where they are none',
      };

const judgeLongWords: Judge = ({ numLongWords }) =>
  numLongWords === 0
    ? undefined
    : {
        severity: 'warning',
        code: 'long-words',
        text:
          `${plural(numLongWords, 'word')} of more than 200 characters became one [UNK] each: ` +
          'put spaces between words, or take such data out of the text',
      };

function rank({ severity }: HealthFinding): number {
  return severity === 'refusal' ? 0 : 1;
}

function unknownShare({
  numUnknownTokens,
  numTrainTokens,
  numHeldOutTokens,
}: DatasetHealth): number {
  return share(numUnknownTokens, numTrainTokens + numHeldOutTokens);
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function percent(ratio: number): string {
  const value = 100 * ratio;
  return `${value === 0 || value >= 10 ? Math.round(value) : value.toPrecision(2)} %`;
}

function number(count: number): string {
  return count.toLocaleString('en');
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`;
}
