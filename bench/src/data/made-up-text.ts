import { closeSync, openSync, writeSync } from 'node:fs';
import { createChances, createWords, drawLength, drawRank } from './made-up-words.ts';

export const textKinds = ['prose', 'lines', 'code', 'cjk'] as const;
/** Prose: paragraphs of several sentences, one a line. Lines: a sentence a line. */
export type TextKind = (typeof textKinds)[number];

const word = createWords();
const blockLength = 1 << 20;

/** Documents without an end: the same for the same seed. None has a blank line. */
export function* madeUpDocuments(kind: TextKind, seed: number): Generator<string> {
  const chance = createChances(seed);
  const unit = { prose: paragraph, lines: sentence, code: codeLine, cjk: cjkParagraph }[kind];
  const medianUnits = { prose: 3, lines: 12, code: 30, cjk: 4 }[kind];
  for (;;) {
    const numUnits = Math.min(5_000, drawLength(chance, medianUnits, 1));
    yield `${Array.from({ length: numUnits }, () => unit(chance)).join('\n')}\n`;
  }
}

/**
 * Writes documents with blank lines between them, of which it holds a megabyte at a time.
 * @returns bytes written: as many as asked for, and the rest of the last document
 */
export function writeMadeUpText(
  path: string,
  { kind, numBytes, seed }: { kind: TextKind; numBytes: number; seed: number },
): number {
  const file = openSync(path, 'w');
  let numWritten = 0;
  let block = '';
  try {
    for (const document of madeUpDocuments(kind, seed)) {
      block += block === '' && numWritten === 0 ? document : `\n${document}`;
      if (block.length < Math.min(blockLength, numBytes - numWritten)) continue;
      numWritten += writeSync(file, block);
      block = '';
      if (numWritten >= numBytes) break;
    }
  } finally {
    closeSync(file);
  }
  return numWritten;
}

function paragraph(chance: () => number): string {
  const numSentences = drawLength(chance, 4, 0.6);
  return Array.from({ length: numSentences }, () => sentence(chance)).join(' ');
}

export function sentence(chance: () => number): string {
  const numWords = Math.min(200, drawLength(chance, 18, 0.6));
  let text = '';
  for (let n = 0; n < numWords; n++) {
    const next = oneOfText(chance);
    const mark = n === numWords - 1 ? '' : chance() < 0.06 ? ', ' : ' ';
    text += (n === 0 ? next.charAt(0).toUpperCase() + next.slice(1) : next) + mark;
  }
  return `${text}${chance() < 0.05 ? '?' : '.'}`;
}

function oneOfText(chance: () => number): string {
  const kind = chance();
  if (kind < 0.015) return String(Math.floor(1_900 * chance() ** 3));
  if (kind < 0.018) return 'Dr.';
  const rank = drawRank(chance);
  // Rare ones are names now and then.
  return rank > 3_000 && kind < 0.2 ? capital(word(rank)) : word(rank);
}

function codeLine(chance: () => number): string {
  const indent = '  '.repeat(Math.floor(4 * chance()));
  const name = (): string =>
    chance() < 0.5
      ? word(drawRank(chance))
      : `${word(drawRank(chance))}${capital(oneOfText(chance))}`;
  const kind = chance();
  if (kind < 0.4)
    return `${indent}const ${name()} = ${name()}.${name()}(${name()}, ${Math.floor(99 * chance())});`;
  if (kind < 0.6)
    return `${indent}if (${name()} !== ${name()}[${name()}_${name()}]) return ${name()};`;
  if (kind < 0.8) return `${indent}/* ${sentence(chance)} */`;
  return `${indent}${chance() < 0.5 ? `} else {` : `self.${name()} += ${name()} << 0x${Math.floor(65_536 * chance()).toString(16)};`}`;
}

function cjkParagraph(chance: () => number): string {
  const numSentences = drawLength(chance, 5, 0.6);
  return Array.from(
    { length: numSentences },
    () => `${cjkCharacters(chance, drawLength(chance, 24, 0.5))}。`,
  ).join('');
}

/** As unlike as those of Chinese text: 6,000 of them, some common. */
export function cjkCharacters(chance: () => number, count: number): string {
  let text = '';
  for (let n = 0; n < count; n++)
    text += String.fromCharCode(0x4e00 + ((drawRank(chance) * 37) % 6_000));
  return text;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
