import { isBlankLine, withoutMargin } from '../blank-line.ts';
import type { CorpusDocument } from '../corpus-document.ts';
import { createDocumentMaker, type Sentences } from '../document-maker.ts';
import { linesOf } from '../line-ends.ts';
import { openText, peek, type OpenText } from '../open-text.ts';
import { readLines } from '../read-lines.ts';
import { documentName, type Reading } from '../reading.ts';
import { detectSentenceMode, sampleLength, type SentenceMode } from '../sentence-mode.ts';
import { skipLine } from '../skip-line.ts';
import { partName } from './text-documents.ts';

/** Bytes of a line that are held at a time. */
const stretchBytes = 1 << 18;

/**
 * The documents of a .txt file: lines that Python calls blank and the end of the file separate them. In mode `auto` the
 * beginning of the file decides. Of a range, the documents before which the last blank line begins in it; the first document of a file is of its
 * first range.
 */
export async function* readTxtDocuments(reading: Reading): AsyncGenerator<CorpusDocument> {
  const { piece, turn } = reading;
  const [rangeStart, rangeEnd] = piece.range ?? [0, Infinity];
  const { text, mode } = await openInMode(reading);
  const maker = createDocumentMaker(mode);
  let isOwn = rangeStart === 0;
  let isBlank = true;
  let name: string | undefined;
  let numParts = 0;
  const named = (documents: readonly Sentences[]): CorpusDocument[] =>
    documents.map((sentences) => ({ id: partName(name ?? '', (numParts += 1)), sentences }));

  for await (const lines of readLines(text, reading, stretchBytes)) {
    for (const line of lines) {
      if (!isOwn && line.start >= rangeEnd) return;
      if (!line.isContinued) isBlank = true;
      const isStillBlank: boolean = isBlank && isBlankLine(line.text);
      if (isStillBlank && !line.goesOn) {
        if (name !== undefined) {
          yield* named(maker.end());
          if (numParts > 1) reading.tally.numCutDocuments += 1;
          [name, numParts] = [undefined, 0];
        }
        if (line.start >= rangeEnd) return;
        isOwn = true;
      } else if (!isStillBlank && isOwn) {
        name ??= documentName(reading, line);
        const documents = maker.add(isBlank ? withoutMargin(line.text) : line.text, line.goesOn);
        // Waiting costs more than most lines do.
        if (documents.length > 0) yield* named(documents);
      }
      isBlank = isStillBlank;
    }
    await turn();
  }
  yield* named(maker.end());
  if (numParts > 1) reading.tally.numCutDocuments += 1;
}

/** The text, from the first line of a range on, and what its sentences end at. */
async function openInMode(reading: Reading): Promise<{ text: OpenText; mode: SentenceMode }> {
  const { piece, bytes, settings } = reading;
  const [rangeStart, rangeEnd] = piece.range ?? [0];
  const text = await openText(reading);
  const isCut = rangeEnd !== undefined && rangeStart > 0;
  const all = isCut ? await skipLine(text, rangeEnd) : text;
  if (settings.sentenceMode !== 'auto') return { text: all, mode: settings.sentenceMode };
  if (isCut) {
    const head = await bytes.read(0, Math.min(headBytes, piece.sizeBytes));
    return { text: all, mode: detectMode(head) };
  }
  const { head, blocks } = await peek(all.blocks, headBytes);
  return { text: { ...all, blocks }, mode: detectMode(head) };
}

/** As many as the characters that decide may have. */
const headBytes = 3 * sampleLength;

function detectMode(head: Buffer): SentenceMode {
  // The last character may be cut.
  const text = new TextDecoder().decode(head.subarray(0, headBytes)).slice(0, sampleLength);
  return detectSentenceMode(linesOf(text));
}
