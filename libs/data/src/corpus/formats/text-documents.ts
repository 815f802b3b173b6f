import type { CorpusDocument } from '../corpus-document.ts';
import { createDocumentMaker, type DocumentMaker, type Sentences } from '../document-maker.ts';
import { createLineFinder, linesOf } from '../line-ends.ts';
import type { Reading } from '../reading.ts';
import { detectSentenceMode, sampleLength, type SentenceMode } from '../sentence-mode.ts';

/** Characters of a text that are split at a time. */
const stretchLength = 1 << 16;

/** The name of the n-th document that a long one is cut into. */
export function partName(name: string, n: number): string {
  return n === 1 ? name : `${name}#${n}`;
}

/**
 * The document of a text that is one by itself, or of sentences, or those that a long one is cut into; none where there is no sentence. In
 * mode `auto` each text decides for itself; blank lines end sentences.
 */
export async function* documentsOfText(
  id: string,
  content: string | readonly string[],
  { settings, tally, turn }: Reading,
): AsyncGenerator<CorpusDocument> {
  let numParts = 0;
  const isText = typeof content === 'string';
  const maker = createDocumentMaker(isText ? modeOf(content, settings.sentenceMode) : 'lines');
  const parts = isText ? partsOfText(content, maker) : partsOfSentences(content, maker);
  for (const documents of parts) {
    for (const sentences of documents) yield { id: partName(id, (numParts += 1)), sentences };
    await turn();
  }
  if (numParts === 0) tally.numEmptyDocuments += 1;
  if (numParts > 1) tally.numCutDocuments += 1;
}

function* partsOfSentences(
  sentences: readonly string[],
  maker: DocumentMaker,
): Generator<readonly Sentences[]> {
  for (const sentence of sentences) yield maker.add(sentence);
  yield maker.end();
}

function* partsOfText(text: string, maker: DocumentMaker): Generator<readonly Sentences[]> {
  const find = createLineFinder(text);
  for (let start = 0; start < text.length; ) {
    const { end, next } = find(start);
    for (let at = start; at < end; at += stretchLength)
      yield maker.add(text.slice(at, Math.min(end, at + stretchLength)), at + stretchLength < end);
    if (/^\s*$/.test(text.slice(start, end))) yield maker.endParagraph();
    start = next;
  }
  yield maker.end();
}

function modeOf(text: string, setting: SentenceMode | 'auto'): SentenceMode {
  if (setting !== 'auto') return setting;
  const { end, next } = createLineFinder(text)(0);
  return next === end ? 'prose' : detectSentenceMode(linesOf(text.slice(0, sampleLength)));
}
