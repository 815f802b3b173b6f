import type { CorpusDocument } from '../corpus-document.ts';
import type { Reading } from '../reading.ts';
import { documentsOfText } from './text-documents.ts';

/** A record of a file that has fields or columns. */
export interface FieldRecord {
  /** For people: `line 3`. */
  readonly at: string;
  /** Of a document that has none of its own. */
  readonly name: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** A number of a field as it is written, where the runtime keeps fewer digits. */
  readonly exactNumber?: (field: string, number: number) => string;
}

/**
 * The documents of a record: of its text, or of its `sentences` or `tokens` where it has no text. One whose text is null is counted and
 * passed over.
 */
export async function* documentsOfRecord(
  record: FieldRecord,
  reading: Reading,
): AsyncGenerator<CorpusDocument> {
  const content = contentOf(record, reading);
  if (content === undefined) return;
  const { idField } = reading.settings;
  const id = valueAt(record.values, idField) ?? '';
  if (typeof id === 'string' || typeof id === 'number')
    yield* documentsOfText(id === '' ? record.name : textOfId(id, record, idField), content, reading);
  else reading.report(`${record.at} has an "${idField}" that is neither a string nor a number`);
}

function textOfId(id: string | number, { exactNumber }: FieldRecord, idField: string): string {
  const isRounded = typeof id === 'number' && Number.isInteger(id) && !Number.isSafeInteger(id);
  return (isRounded ? exactNumber?.(idField, id) : undefined) ?? String(id);
}

/** @returns undefined for a record that is passed over */
function contentOf(
  { at, values }: FieldRecord,
  { settings, tally, report }: Reading,
): string | readonly string[] | undefined {
  const { textField, pretokenised } = settings;
  const text = valueAt(values, textField);
  const { sentences, tokens } = values;
  if (text === null) {
    tally.numNullTexts += 1;
    return undefined;
  }
  if (typeof text === 'string' && sentences === undefined) return text;
  if ([text].flat().some((one) => Buffer.isBuffer(one))) {
    report(`${at} has "${textField}" that is not UTF-8: correct it, or take that record out`);
    return undefined;
  }
  if (isStrings(text)) return text;
  if (text === undefined && isStrings(sentences)) return sentences;
  if (text === undefined && pretokenised) {
    if (isStrings(tokens)) return [tokens.join(' ')];
    if (Array.isArray(tokens) && tokens.every(isStrings))
      return tokens.map((words) => words.join(' '));
  }
  const ofTokens = pretokenised ? ', or "tokens", an array of strings' : '';
  report(
    `${at} needs either "${textField}", a string, or "sentences", an array of strings${ofTokens}; ` +
      'if the text has another name, say so in corpus.textField',
  );
  return undefined;
}

/** A field, or where a dot is in its name, a field of a field. */
function valueAt(values: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(values, name)) return values[name];
  return name
    .split('.')
    .reduce<unknown>(
      (value, key) =>
        typeof value === 'object' && value !== null && Object.hasOwn(value, key)
          ? (value as Record<string, unknown>)[key]
          : undefined,
      values,
    );
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
