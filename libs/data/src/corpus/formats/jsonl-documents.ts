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
    // Files with a mark were put together.
    values = JSON.parse(line.text.startsWith('\ufeff') ? line.text.slice(1) : line.text);
  } catch (error) {
    return invalid(isArrayBegun(line) ? arrayOfRecords : `is not JSON${placeOf(error)}`);
  }
  if (Array.isArray(values) && isArrayBegun(line)) return invalid(arrayOfRecords);
  if (typeof values !== 'object' || values === null || Array.isArray(values))
    return invalid('is not a JSON object');
  const record = { at, name: documentName(reading, line), values: values as Record<string, unknown> };
  return { ...record, exactNumber: (key, number) => exactNumber(line.text, key, number) };
}

/** A number that has more digits than the runtime keeps, as the line has it. */
function exactNumber(text: string, key: string, number: number): string {
  const [last = ''] = key.split('.').slice(-1);
  const written = [...text.matchAll(/"((?:[^"\\]|\\.)*)"\s*:\s*(-?\d+)(?=\s*[,}])/g)]
    .filter(([, name, digits]) => name === last && Number(digits) === number)
    .at(-1);
  return written?.[2] ?? String(number);
}

const arrayOfRecords = "begins an array, and the file is to hold what is in it (jq -c '.[]' makes that of it)";

function isArrayBegun({ text, start }: Line): boolean {
  return start === 0 && text.trimStart().startsWith('[');
}

/**
 * Where a line stops being JSON, as far as the runtime says so. Its error itself quotes the line, which may be a file that nobody should see
 * here.
 */
function placeOf(error: unknown): string {
  const reason = String(error);
  const position = /at position (\d+)/.exec(reason)?.[1];
  if (position !== undefined) return ` from character ${position} on`;
  return reason.includes('Unexpected end') ? ': it ends too early' : '';
}
