import { BerthError, type CorpusConfig } from '@berth/contracts';
import type { CorpusDocument } from './corpus-document.ts';
import type { CorpusFile } from './corpus-files.ts';
import { readLines, type ReadOptions } from './read-lines.ts';
import { detectSentenceMode, sampleLength, toSentences } from './sentence-mode.ts';

/**
 * The documents of a .jsonl file, one a line: an object with `sentences` (array of strings) or `text` (string), and
 * optionally `id` (string or number). In mode `auto` each text decides for itself. Blank lines and documents without
 * a sentence are passed over.
 *
 * @throws BerthError DATA_CORPUS_INVALID, naming the line, for anything else, and what {@link readLines} throws.
 */
export async function* readJsonlDocuments(
  file: CorpusFile,
  sentenceMode: CorpusConfig['sentenceMode'],
  options: ReadOptions,
): AsyncGenerator<CorpusDocument> {
  let lineNumber = 0;
  for await (const line of readLines(file, options)) {
    lineNumber += 1;
    if (line.trim() === '') continue;
    const record = parseRecord(line, file, lineNumber);
    const sentences =
      'sentences' in record
        ? toSentences(record.sentences, 'lines')
        : splitText(record.text.replaceAll(/\r*\n|\r/g, '\n'), sentenceMode);
    if (sentences.length > 0) yield { id: record.id ?? `${file.name}:${lineNumber}`, sentences };
    else if (options.tally !== undefined) options.tally.numEmptyDocuments += 1;
  }
}

type CorpusRecord = { readonly id: string | undefined } & (
  | { readonly text: string }
  | { readonly sentences: readonly string[] }
);

function parseRecord(line: string, file: CorpusFile, lineNumber: number): CorpusRecord {
  const invalid = (problem: string): BerthError =>
    new BerthError(
      'DATA_CORPUS_INVALID',
      `corpus ${file.path}: line ${lineNumber} ${problem}; write one object a line, such as {"id": "a", "text": "…"}`,
      { details: { path: file.path, line: lineNumber } },
    );
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw invalid(`is not JSON (${placeOf(error)})`);
  }
  if (typeof value !== 'object' || value === null) throw invalid('is not a JSON object');
  const { id, text, sentences } = value as Record<string, unknown>;
  if (id !== undefined && typeof id !== 'string' && typeof id !== 'number') {
    throw invalid('has an "id" that is neither a string nor a number');
  }
  const recordId = id === undefined ? undefined : String(id);
  if (typeof text === 'string' && sentences === undefined) return { id: recordId, text };
  if (isStringArray(sentences) && text === undefined) return { id: recordId, sentences };
  throw invalid('needs either "text", a string, or "sentences", an array of strings');
}

/** Where a line stops being JSON. The error itself quotes the line, which may be a file that nobody should see here. */
function placeOf(error: unknown): string {
  const position = /at position (\d+)/.exec(String(error))?.[1];
  return position === undefined ? 'from its beginning or its end' : `from character ${position} on`;
}

function isStringArray(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function splitText(text: string, sentenceMode: CorpusConfig['sentenceMode']): string[] {
  if (!text.includes('\n')) return toSentences([text], sentenceMode === 'lines' ? 'lines' : 'prose');
  const mode =
    sentenceMode === 'auto'
      ? detectSentenceMode(text.slice(0, sampleLength).split('\n'))
      : sentenceMode;
  return text.split(/\n\s*\n/).flatMap((paragraph) => toSentences(paragraph.split('\n'), mode));
}
