import type { CorpusDocument } from '../corpus-document.ts';
import { openText } from '../open-text.ts';
import { readLines, type Line } from '../read-lines.ts';
import { documentName, lineName, type Reading } from '../reading.ts';
import { skipLine } from '../skip-line.ts';
import { documentsOfRecord, type DocumentRecord } from './text-documents.ts';

/** What a reader holds at most, and below the longest string of the runtime. */
const maxRecordBytes = 64 * 2 ** 20;

/**
 * The documents of a .jsonl file, one a line: an object with `sentences` (array of strings) or `text` (string), and
 * optionally `id` (string or number). Blank lines and documents without a sentence are passed over. Of a range, those whose lines begin in it.
 */
export async function* readJsonlDocuments(reading: Reading): AsyncGenerator<CorpusDocument> {
  const { piece, report, turn } = reading;
  const [rangeStart, rangeEnd] = piece.range ?? [0, Infinity];
  const opened = await openText(reading);
  const text = rangeStart > 0 ? await skipLine(opened, rangeEnd) : opened;
  for await (const lines of readLines(text, reading, maxRecordBytes)) {
    for (const line of lines) {
      if (line.isContinued) continue;
      if (line.start >= rangeEnd) return;
      if (line.goesOn)
        report(
          lineName(reading, line),
          `${lineName(reading, line)} is longer than ${maxRecordBytes} bytes: break the text into documents of a sensible size`,
        );
      else if (line.text.trim() !== '') {
        const record = readRecord(line, reading);
        if (record !== undefined) yield* documentsOfRecord(record, reading);
      }
      await turn();
    }
  }
}

/** @returns undefined for one that was reported */
function readRecord(line: Line, reading: Reading): DocumentRecord | undefined {
  const at = lineName(reading, line);
  const invalid = (problem: string): undefined => {
    const example = '{"id": "a", "text": "…"}';
    reading.report(at, `${at} ${problem}; write one object a line, such as ${example}`);
  };
  let value: unknown;
  try {
    value = JSON.parse(line.text);
  } catch (error) {
    return invalid(`is not JSON (${placeOf(error)})`);
  }
  if (typeof value !== 'object' || value === null) return invalid('is not a JSON object');
  const { id, text, sentences } = value as Record<string, unknown>;
  if (id !== undefined && typeof id !== 'string' && typeof id !== 'number')
    return invalid('has an "id" that is neither a string nor a number');
  const name = id === undefined ? documentName(reading, line) : String(id);
  if (typeof text === 'string' && sentences === undefined) return { id: name, content: text };
  if (isStringArray(sentences) && text === undefined) return { id: name, content: sentences };
  return invalid('needs either "text", a string, or "sentences", an array of strings');
}

/** Where a line stops being JSON. The error itself quotes the line, which may be a file that nobody should see here. */
function placeOf(error: unknown): string {
  const position = /at position (\d+)/.exec(String(error))?.[1];
  return position === undefined ? 'from its beginning or its end' : `from character ${position} on`;
}

function isStringArray(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
