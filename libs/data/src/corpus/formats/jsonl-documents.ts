import type { CorpusDocument } from '../corpus-document.ts';
import { openText } from '../open-text.ts';
import { readLines, type Line } from '../read-lines.ts';
import { documentName, lineName, type Reading } from '../reading.ts';
import { skipLine } from '../skip-line.ts';
import { documentsOfRecord, type FieldRecord } from './records.ts';

/** What a reader holds at most, and below the longest string of the runtime. */
const maxRecordBytes = 64 * 2 ** 20;

/**
 * The documents of a .jsonl file, one a line: an object that {@link documentsOfRecord} reads. Blank lines and documents without a sentence are passed over. Of a range, those whose lines begin in it.
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
function readRecord(line: Line, reading: Reading): FieldRecord | undefined {
  const at = lineName(reading, line);
  const invalid = (problem: string): undefined => {
    const example = '{"id": "a", "text": "…"}';
    reading.report(`${at} ${problem}; write one object a line, such as ${example}`);
  };
  let values: unknown;
  try {
    values = JSON.parse(line.text);
  } catch (error) {
    return invalid(`is not JSON (${placeOf(error)})`);
  }
  if (typeof values !== 'object' || values === null || Array.isArray(values))
    return invalid('is not a JSON object');
  return { at, name: documentName(reading, line), values: values as Record<string, unknown> };
}

/** Where a line stops being JSON. The error itself quotes the line, which may be a file that nobody should see here. */
function placeOf(error: unknown): string {
  const position = /at position (\d+)/.exec(String(error))?.[1];
  return position === undefined ? 'from its beginning or its end' : `from character ${position} on`;
}
