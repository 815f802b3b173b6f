import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  BerthError,
  ledgerEntrySchema,
  readJson,
  sha256Hex,
  type LedgerEntry,
  type LedgerSegment,
  type ObjectStore,
} from '@berth/contracts';
import { ledgerSegmentKey, type Line } from './keys.ts';

/** Steps of a full segment: some 2 MB, however seldom a run saves, and 250 segments in a million steps, however often. */
export const stepsPerSegment = 4_000;
/** No segment has more: some hundred times what a full one of a few members has. */
export const maxSegmentBytes = 256 * 2 ** 20;
/** Few enough that decoding them takes a few ms. */
const entriesPerPage = 200;

/** Ledger entries as JSON lines. */
export function encodeLedger(entries: readonly LedgerEntry[]): Uint8Array {
  return Buffer.from(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
}

/**
 * Reads JSON lines back, some hundred entries at a time and with a turn of the event loop between: a lease must be kept
 * meanwhile.
 * @throws BerthError `LEDGER_INVALID` naming the line
 */
export async function* decodeLedger(
  bytes: Uint8Array,
): AsyncGenerator<readonly LedgerEntry[], void, void> {
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let page: LedgerEntry[] = [];
  let number = 0;
  for (let start = 0; start < lines.length; number++) {
    const end = lines.indexOf('\n', start);
    if (end < 0) throw invalid(number + 1, 'the last line does not end');
    page.push(decodeLine(lines.toString('utf8', start, end), number + 1));
    start = end + 1;
    if (page.length < entriesPerPage) continue;
    yield page;
    page = [];
    await nextTurn();
  }
  if (page.length > 0) yield page;
}

/** The last of entries as JSON lines. @throws BerthError `LEDGER_INVALID` */
export function decodeLastEntry(bytes: Uint8Array): LedgerEntry {
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = lines.lastIndexOf('\n', -2) + 1;
  return decodeLine(lines.toString('utf8', start), 'at the end');
}

/** Stores consecutive entries for the manifest of a step, and those after it, to name. Doing it again changes nothing. */
export async function uploadLedgerSegment(
  store: ObjectStore,
  line: Line,
  step: number,
  entries: readonly LedgerEntry[],
  options: { readonly signal?: AbortSignal } = {},
): Promise<LedgerSegment> {
  const [first, last] = [entries[0], entries.at(-1)];
  if (!first || !last) throw new RangeError('a ledger segment has at least one entry');
  const bytes = encodeLedger(entries);
  const facts = { fromStep: first.step, toStep: last.step + 1, sha256: sha256Hex(bytes) };
  const key = ledgerSegmentKey(line, step, facts);
  await store.put(key, bytes, { ...options, contentType: 'application/jsonl' });
  return { ...facts, key, sizeBytes: bytes.byteLength };
}

/** The leading segments that later manifests name too; what comes after them is stored again, in fewer segments. */
export function fullSegments(segments: readonly LedgerSegment[]): readonly LedgerSegment[] {
  const firstShort = segments.findIndex(
    ({ fromStep, toStep }) => toStep - fromStep < stepsPerSegment,
  );
  return firstShort < 0 ? segments : segments.slice(0, firstShort);
}

function decodeLine(text: string, place: number | string): LedgerEntry {
  const reading = readJson(ledgerEntrySchema, text);
  if (reading.ok) return reading.value;
  throw invalid(place, `it is not a ledger entry (${reading.problem})`);
}

function invalid(place: number | string, why: string): BerthError {
  return new BerthError('LEDGER_INVALID', `Ledger line ${place}: ${why}.`);
}
