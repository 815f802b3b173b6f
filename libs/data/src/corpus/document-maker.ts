import { createSentenceSplitter, cutAtWord } from './sentence-splitter.ts';
import type { SentenceMode } from './sentence-mode.ts';

/** Sentences, none of them blank. */
export type Sentences = readonly string[];

/** Makes documents of a text that comes line by line. A long one is cut into several, where a sentence ends. */
export interface DocumentMaker {
  /**
   * @param text - a line, or a stretch of one
   * @param goesOn - whether the line does
   * @returns the documents that are complete by now
   */
  add(text: string, goesOn?: boolean): readonly Sentences[];
  /** No sentence goes on from here. */
  endParagraph(): readonly Sentences[];
  /** @returns the rest; then another text may begin */
  end(): readonly Sentences[];
}

/** Characters of a document, unless it is one sentence; and of a sentence. */
const maxDocumentLength = 1 << 22;

export function createDocumentMaker(mode: SentenceMode, maxLength = maxDocumentLength): DocumentMaker {
  let sentences: string[] = [];
  let length = 0;

  const finish = (): readonly Sentences[] => {
    const document = sentences;
    [sentences, length] = [[], 0];
    return document.length > 0 ? [document] : [];
  };
  const take = (more: readonly string[]): readonly Sentences[] => {
    const documents: Sentences[] = [];
    for (const sentence of more) {
      if (length + sentence.length > maxLength) documents.push(...finish());
      sentences.push(sentence);
      length += sentence.length;
    }
    return documents;
  };
  const { add, endParagraph } = mode === 'lines' ? fromLines(maxLength) : fromProse(maxLength);
  return {
    add: (text, goesOn = false) => take(add(text, goesOn)),
    endParagraph: () => take(endParagraph()),
    end: () => [...take(endParagraph()), ...finish()],
  };
}

interface SentenceSource {
  readonly add: (text: string, goesOn: boolean) => readonly string[];
  readonly endParagraph: () => readonly string[];
}

/** A sentence a line. */
function fromLines(maxLength: number): SentenceSource {
  let line = '';
  const trimmed = (text: string): string[] => (text.trim() === '' ? [] : [text.trim()]);
  const endLine = (): string[] => {
    const sentence = trimmed(line);
    line = '';
    return sentence;
  };
  return {
    add(text, goesOn) {
      line += text;
      const sentences: string[] = [];
      while (line.length > maxLength) {
        const [beginning, rest] = cutAtWord(line, maxLength);
        sentences.push(...trimmed(beginning));
        line = rest;
      }
      return goesOn ? sentences : [...sentences, ...endLine()];
    },
    endParagraph: endLine,
  };
}

/** Sentences run over the ends of lines. */
function fromProse(maxLength: number): SentenceSource {
  const splitter = createSentenceSplitter(maxLength);
  let isBehindLine = false;
  return {
    add(text, goesOn) {
      const sentences = splitter.add(isBehindLine ? ` ${text}` : text);
      isBehindLine = !goesOn;
      return sentences;
    },
    endParagraph() {
      isBehindLine = false;
      return splitter.end();
    },
  };
}
