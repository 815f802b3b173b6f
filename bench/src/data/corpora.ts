import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import {
  cjkCharacters,
  madeUpDocuments,
  sentence,
  textKinds,
  writeMadeUpText,
  type TextKind,
} from './made-up-text.ts';
import { createChances, createWords, drawRank } from './made-up-words.ts';

const oddKinds = ['one-document', 'one-word', 'one-cjk-sentence', 'small-files'] as const;
type OddKind = (typeof oddKinds)[number];

export const corpusKinds = [...textKinds, ...oddKinds] as const;
export type CorpusKind = (typeof corpusKinds)[number];

const blockLength = 1 << 20;
/** What an odd text has beside it, so that there is something to hold out. */
const ordinaryBytes = 300_000;
const numFilesAFolder = 1_000;
const smallFileBytes = 110;

/** Fills a new folder with a corpus. @returns its files' number and bytes */
export function writeCorpus(
  folder: string,
  { kind, numBytes, seed }: { kind: CorpusKind; numBytes: number; seed: number },
): { numFiles: number; numBytes: number } {
  mkdirSync(folder, { recursive: true });
  if (isOrdinary(kind))
    return {
      numFiles: 1,
      numBytes: writeMadeUpText(join(folder, 'text.txt'), { kind, numBytes, seed }),
    };
  if (kind === 'small-files') return writeSmallFiles(folder, numBytes, seed);
  const few = join(folder, 'few.txt');
  const others = writeMadeUpText(few, { kind: 'prose', numBytes: ordinaryBytes, seed: seed + 1 });
  const one = writeOne(join(folder, `${kind}.txt`), odd(kind, createChances(seed)), numBytes);
  return { numFiles: 2, numBytes: others + one };
}

function isOrdinary(kind: CorpusKind): kind is TextKind {
  return textKinds.some((one) => one === kind);
}

/** Pieces without an end of one document, of one word, or of one sentence of characters. */
function* odd(kind: Exclude<OddKind, 'small-files'>, chance: () => number): Generator<string> {
  const word = createWords();
  for (;;)
    if (kind === 'one-document') yield `${sentence(chance)} `;
    else if (kind === 'one-word') yield word(drawRank(chance));
    else yield cjkCharacters(chance, 1_000);
}

function writeOne(path: string, pieces: Iterable<string>, numBytes: number): number {
  const file = openSync(path, 'w');
  let numWritten = 0;
  let block = '';
  for (const piece of pieces) {
    block += piece;
    if (block.length < Math.min(blockLength, numBytes - numWritten)) continue;
    numWritten += writeSync(file, block);
    block = '';
    if (numWritten >= numBytes) break;
  }
  closeSync(file);
  return numWritten;
}

function writeSmallFiles(
  folder: string,
  numBytes: number,
  seed: number,
): { numFiles: number; numBytes: number } {
  const numFiles = Math.max(1, Math.round(numBytes / smallFileBytes));
  const documents = madeUpDocuments('lines', seed);
  let numWritten = 0;
  for (let n = 0; n < numFiles; n++) {
    const place = join(folder, String(Math.floor(n / numFilesAFolder)));
    if (n % numFilesAFolder === 0) mkdirSync(place);
    const file = openSync(join(place, `${n}.txt`), 'w');
    const text = documents.next().value as string;
    numWritten += writeSync(file, `${text.slice(0, smallFileBytes).trimEnd()}\n`);
    closeSync(file);
  }
  return { numFiles, numBytes: numWritten };
}
