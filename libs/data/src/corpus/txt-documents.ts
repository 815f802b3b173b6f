import { BerthError, type CorpusConfig } from '@berth/contracts';
import { isBlankLine } from './blank-line.ts';
import type { CorpusDocument } from './corpus-document.ts';
import type { CorpusFile } from './corpus-files.ts';
import { readLines, type ReadOptions } from './read-lines.ts';
import { detectSentenceMode, sampleLength, toSentences } from './sentence-mode.ts';

/**
 * The documents of a .txt file: lines that Python calls blank and the end of the file separate them. In mode `auto` the first
 * {@link sampleLength} characters decide.
 *
 * @throws BerthError DATA_CORPUS_INVALID for a document longer than `maxDocumentBytes`, and what {@link readLines} throws.
 */
export async function* readTxtDocuments(
  file: CorpusFile,
  sentenceMode: CorpusConfig['sentenceMode'],
  options: ReadOptions,
): AsyncGenerator<CorpusDocument> {
  const mode = sentenceMode === 'auto' ? await detectFileMode(file, options) : sentenceMode;
  let lines: string[] = [];
  let numCharacters = 0;
  let lineNumber = 0;
  const finish = (): CorpusDocument[] => {
    const sentences = toSentences(lines, mode);
    const id = `${file.name}:${lineNumber - lines.length}`;
    lines = [];
    numCharacters = 0;
    return sentences.length > 0 ? [{ id, sentences }] : [];
  };

  for await (const line of readLines(file, options)) {
    lineNumber += 1;
    if (isBlankLine(line)) {
      yield* finish();
      continue;
    }
    lines.push(line);
    numCharacters += line.length;
    if (numCharacters > options.maxDocumentBytes) {
      throw new BerthError(
        'DATA_CORPUS_INVALID',
        `corpus ${file.path}: the document that ends after line ${lineNumber} is longer than ` +
          `${options.maxDocumentBytes} characters: put blank lines between documents`,
        { details: { path: file.path, line: lineNumber } },
      );
    }
  }
  lineNumber += 1;
  yield* finish();
}

async function detectFileMode(
  file: CorpusFile,
  { tally: _untold, ...options }: ReadOptions,
): Promise<'lines' | 'prose'> {
  const sample: string[] = [];
  let numLeft = sampleLength;
  for await (const line of readLines(file, options)) {
    sample.push(line.slice(0, numLeft));
    numLeft -= line.length;
    if (numLeft <= 0) break;
  }
  return detectSentenceMode(sample);
}
