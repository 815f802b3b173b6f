import {
  silentLogger,
  type CheckpointManifest,
  type LedgerEntry,
  type LedgerSegment,
  type ObjectStore,
} from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { manifestKey } from './keys.ts';
import { decodeLedger, encodeLedger, uploadLedgerSegment } from './ledger-segment.ts';
import { loadCheckpoint } from './read.ts';
import { storedLedger } from './stored-ledger.ts';
import {
  ledgerUpTo,
  startTestStore,
  storeParts,
  testLayout,
  testLine,
} from './testing/fixtures.ts';
import { writeManifest } from './write.ts';

function withCode(code: string): unknown {
  return expect.objectContaining({ code });
}

describe('the ledger of a checkpoint', () => {
  it('is written and read as JSON lines, page by page', async () => {
    for (const numSteps of [0, 5, 1_000])
      expect(await entriesOf(decodeLedger(encodeLedger(ledgerUpTo(numSteps))))).toEqual(
        ledgerUpTo(numSteps),
      );
    const pages = decodeLedger(encodeLedger(ledgerUpTo(1_000)));
    expect((await pages.next()).value?.length).toBeLessThan(1_000);
  });

  it.each(['{}\n', 'x\n', JSON.stringify(ledgerUpTo(1)[0])])('is refused as %j', async (text) => {
    await expect(entriesOf(decodeLedger(Buffer.from(text)))).rejects.toThrow(
      withCode('LEDGER_INVALID'),
    );
  });

  it.each([
    ['another head', { ledgerHead: '0'.repeat(40) }],
    ['another cursor', { cursor: { epoch: 0, index: 25 } }],
    ['no entries for its last step', { ledger: undefined }],
  ])('must fit the manifest: %s', async (_, change) => {
    const { store } = await startTestStore();
    const manifest = await storeParts(store, 3);
    const { ledger } = await storeParts(store, 2);
    const wrong = { ...manifest, ...change, ledger: 'ledger' in change ? ledger : manifest.ledger };
    await writeManifest(store, 1, wrong, silentLogger);
    await expect(loadCheckpoint(store, manifestKey(testLine, 3), testLayout)).rejects.toThrow(
      withCode('CHECKPOINT_CORRUPT'),
    );
  });
});

describe('storedLedger', () => {
  it('reads the segments from a step on, and no others', async () => {
    const { store } = await startTestStore();
    const entries = ledgerUpTo(1_000);
    const manifest = await storeInSegments(store, entries, [0, 450, 900, 1_000]);
    const read: string[] = [];
    const watched = {
      ...store,
      get: (key: string) => {
        read.push(key);
        return store.get(key);
      },
    };
    const stored = storedLedger(watched, manifest);
    expect(await entriesOf(stored.entries(0))).toEqual(entries);
    read.length = 0;
    expect(await entriesOf(stored.entries(620))).toEqual(entries.slice(620));
    expect(read).toEqual(manifest.ledger.slice(1).map(({ key }) => key));
    expect(await entriesOf(stored.entries(1_000))).toEqual([]);

    read.length = 0;
    await writeManifest(watched, 1, manifest, silentLogger);
    await loadCheckpoint(watched, manifestKey(testLine, 1_000), testLayout);
    expect(read.filter((key) => key.endsWith('.jsonl'))).toEqual([manifest.ledger[2]?.key]);
  });

  it.each([
    ['lacks its first steps', (segments) => segments.slice(1)],
    ['lacks steps between', (segments) => segments.toSpliced(1, 1)],
    ['lacks its last steps', (segments) => segments.slice(0, 2)],
    ['names a segment twice', (segments) => segments.toSpliced(1, 0, ...segments.slice(0, 1))],
    [
      'names other steps than a segment has',
      ([first, second, ...others]) =>
        [{ ...first, toStep: 451 }, { ...second, fromStep: 451 }, ...others] as LedgerSegment[],
    ],
  ] satisfies [string, (segments: LedgerSegment[]) => LedgerSegment[]][])(
    'is refused when it %s',
    async (_, change) => {
      const { store } = await startTestStore();
      const manifest = await storeInSegments(store, ledgerUpTo(1_000), [0, 450, 900, 1_000]);
      const wrong = { ...manifest, ledger: change(manifest.ledger) };
      await expect(entriesOf(storedLedger(store, wrong).entries(0))).rejects.toThrow(
        withCode('CHECKPOINT_CORRUPT'),
      );
    },
  );
});

/** The manifest of a checkpoint after some entries, stored in segments between some steps. */
async function storeInSegments(
  store: ObjectStore,
  entries: readonly LedgerEntry[],
  bounds: readonly number[],
): Promise<CheckpointManifest> {
  const last = entries.at(-1) as LedgerEntry;
  const ledger: LedgerSegment[] = [];
  for (const [index, toStep] of bounds.slice(1).entries())
    ledger.push(
      await uploadLedgerSegment(store, testLine, 9, entries.slice(bounds[index], toStep)),
    );
  const manifest = await storeParts(store, 3);
  return { ...manifest, step: entries.length, cursor: last.to, ledgerHead: last.head, ledger };
}

async function entriesOf(pages: AsyncIterable<readonly LedgerEntry[]>): Promise<LedgerEntry[]> {
  const entries: LedgerEntry[] = [];
  for await (const page of pages) entries.push(...page);
  return entries;
}
