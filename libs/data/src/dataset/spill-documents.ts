import { join } from 'node:path';
import { BerthError, type DatasetHealth } from '@berth/contracts';
import { isHeldOut } from '../corpus/hold-out.ts';
import { shardsOfDocuments } from '../sampling/epoch-order.ts';
import { coverageOf, createCoverageMeter } from './coverage.ts';
import { withoutEmpty } from './document-shard.ts';
import { DocumentSpill } from './document-spill.ts';
import type { TokenSentences } from './token-documents.ts';

/** A tokenised document. */
export interface DatasetDocument {
  readonly sentences: TokenSentences;
  readonly part?: string | undefined;
}

export interface SpillOptions {
  /** In corpus order. */
  readonly documents: AsyncIterable<DatasetDocument>;
  readonly seed: number;
  /** Of documents. */
  readonly heldOutRatio: number;
  /** Of each part. */
  readonly numShards: number;
  /** Names of the parts of the corpus; undefined where it has none. */
  readonly parts?: readonly string[] | undefined;
}

/** What is known of the documents once they are sorted. */
export type SplitHealth = Pick<
  DatasetHealth,
  | 'numDocuments'
  | 'numOneSentenceDocuments'
  | 'numSentences'
  | 'numTrainTokens'
  | 'numHeldOutTokens'
  | 'coverage'
>;

/** Documents of a training shard. */
interface TrainSpill {
  readonly spill: DocumentSpill;
  readonly part: string | undefined;
}

/**
 * Sorts the documents into shards, those of each part into shards of their own. No training shard is empty.
 * @param tokenCounts - to which the tokens of training documents are added, by id
 */
export async function spillDocuments(
  { documents, seed, heldOutRatio, numShards, parts }: SpillOptions,
  folder: string,
  tokenCounts: Float64Array,
): Promise<{ train: TrainSpill[]; heldOut: DocumentSpill; splitHealth: SplitHealth }> {
  const all: readonly {
    readonly part: string | undefined;
    readonly spills: readonly DocumentSpill[];
    readonly shardOf: (index: number) => number;
  }[] = (parts ?? [undefined]).map((part, index) => ({
    part,
    spills: Array.from(
      { length: numShards },
      (_, i) => new DocumentSpill(join(folder, `${index}-${i}`)),
    ),
    shardOf: shardsOfDocuments(seed, numShards),
  }));
  const numTrain = new Map<string | undefined, number>();
  const heldOut = new DocumentSpill(join(folder, 'held-out'));
  const coverage = createCoverageMeter();
  const isOut = (index: number): boolean =>
    heldOutRatio > 0 && (index === 1 || (index > 1 && isHeldOut(index, seed, heldOutRatio)));
  let numDocuments = 0;
  let numOneSentenceDocuments = 0;
  for await (const document of documents) {
    const sentences = withoutEmpty(document.sentences);
    if (sentences.length === 0) continue;
    if (sentences.length === 1) numOneSentenceDocuments += 1;
    if (isOut(numDocuments++)) await heldOut.append(sentences);
    else {
      coverage.add(sentences.map(({ length }) => length));
      for (const sentence of sentences) for (const id of sentence) tokenCounts[id]! += 1;
      const { part } = document;
      const index = numTrain.get(part) ?? 0;
      numTrain.set(part, index + 1);
      const { spills, shardOf } = all.find((one) => one.part === part)!;
      await spills[shardOf(index)]!.append(sentences);
    }
  }
  if (numDocuments < (heldOutRatio > 0 ? 2 : 1)) throw tooFewDocuments(numDocuments);
  const empty = all.find(({ part }) => part !== undefined && !numTrain.has(part));
  if (empty !== undefined) throw nothingToTrainOn(empty.part!);
  const train = all.flatMap(({ part, spills }) =>
    spills.filter(({ counts }) => counts.numDocuments > 0).map((spill) => ({ spill, part })),
  );
  const sum = (spills: readonly DocumentSpill[], key: 'numSentences' | 'numTokens'): number =>
    spills.reduce((total, { counts }) => total + counts[key], 0);
  const ofTraining = train.map(({ spill }) => spill);
  return {
    train,
    heldOut,
    splitHealth: {
      numDocuments,
      numOneSentenceDocuments,
      numSentences: sum([...ofTraining, heldOut], 'numSentences'),
      numTrainTokens: sum(ofTraining, 'numTokens'),
      numHeldOutTokens: sum([heldOut], 'numTokens'),
      coverage: coverageOf([coverage.numCovered], sum(ofTraining, 'numTokens')),
    },
  };
}

function nothingToTrainOn(part: string): BerthError {
  return new BerthError(
    'DATA_CORPUS_EMPTY',
    `corpus.parts: ${part} has no document with text to train on: put a blank line between documents, add text, ` +
      'or leave the part out',
  );
}

function tooFewDocuments(numDocuments: number): BerthError {
  return new BerthError(
    'DATA_CORPUS_EMPTY',
    numDocuments === 0
      ? 'the corpus has no document with text: point corpus.path at text'
      : 'the corpus has 1 document with text; training and evaluation need one each: ' +
          'put a blank line between documents, add text, or set corpus.heldOutRatio: 0 to train without evaluation',
  );
}
