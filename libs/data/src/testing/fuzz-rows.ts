import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toBerthError } from '@berth/contracts';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { openRows } from '../rows/open-rows.ts';
import { goldenBytes, temporaryFolder } from './example-fixture.ts';
import { changes, mutate } from './mutate.ts';
import { collect } from './row-fixture.ts';

const squad = {
  data: [{ paragraphs: [{ context: 'A cat 😀.', qas: [{ id: 'q', answers: [] }] }] }],
};

/** What people may have instead of rows: it is read, row by row perhaps with a problem, or refused as bad data. */
export function describeOddRows(numRuns: number): void {
  const folder = temporaryFolder();

  it.each([
    ['a.jsonl', Buffer.from('{"text": "é 😀", "label": 1}\r\n\n{"text": "b", "label": "x"}\n')],
    ['a.csv', Buffer.from('text,label\n"a, ""b""",1\n"two\nlines",0\r\nlast,1\n')],
    ['a.tsv', Buffer.from('sentence\tlabel\n"a\t1\r\né\t0\n')],
    ['a.conll', Buffer.from('-DOCSTART- O\n\nEU B-ORG\nrejects O\n\nall\tO\n')],
    ['a.json', Buffer.from(JSON.stringify(squad))],
    ['a.parquet', Buffer.from(goldenBytes('questions-none.parquet'))],
    ['b.parquet', Buffer.from(goldenBytes('sentences-gzip.parquet'))],
    ['c.parquet', Buffer.from(goldenBytes('pairs-snappy.parquet'))],
  ])(`reads ${numRuns} mutations of %s, or refuses them`, async (name, sound) => {
    const path = join(folder, name);
    const read = async (): Promise<string> => {
      const rows = await collect(openRows(path).rows());
      return rows.every(({ values }) => typeof values === 'object') ? 'read' : 'odd';
    };
    await fc.assert(
      fc.asyncProperty(changes, async (list) => {
        await writeFile(path, mutate(sound, list));
        const outcome = await read().catch((error: unknown) => toBerthError(error).code);
        expect(outcome).toMatch(/^(read|DATA_INPUT_INVALID)$/);
      }),
      { numRuns, seed: 20261129 },
    );
  });
}
