import { appendFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MetricsLine } from '@berth/contracts';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crc32c, maskedCrc32c } from './crc32c.ts';
import { createEventFile, scalarsOf } from './event-file.ts';
import { createMetricsFile, readMetricsFile } from './metrics-file.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-files-'));
});
afterAll(() => rm(folder, { recursive: true }));

const lineOf = (step: number): MetricsLine => ({
  kind: 'step',
  attempt: 1,
  step,
  timeMs: step,
  loss: 1 / (step + 1),
  masked_lm_loss: 1,
  masked_lm_accuracy: 0,
  next_sentence_loss: 1,
  next_sentence_accuracy: 0.5,
  numTokens: 10,
});
const stepsOf = async (path: string): Promise<number[]> =>
  (await readMetricsFile(path)).map(({ step }) => step);

describe('metrics.jsonl', () => {
  it('keeps the order of appends and goes on where it ended', async () => {
    const path = join(folder, 'deep', 'metrics.jsonl');
    for (const start of [0, 20]) {
      const file = await createMetricsFile(path);
      await Promise.all(Array.from({ length: 20 }, (_, i) => file.append(lineOf(start + i))));
      await file.close();
    }
    expect(await stepsOf(path)).toEqual(Array.from({ length: 40 }, (_, step) => step));
    expect((await readMetricsFile(path))[2]).toEqual(lineOf(2));
  });

  it('loses only the unfinished line, wherever a crash cut it', async () => {
    const path = join(folder, 'torn.jsonl');
    const whole = [0, 1, 2].map((step) => `${JSON.stringify(lineOf(step))}\n`);
    const lengths = [0, 1, 2, 3].map((count) => whole.slice(0, count).join('').length);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.join('').length), async (size) => {
        await writeFile(path, whole.join(''));
        await truncate(path, size);
        const numWhole = lengths.filter((length) => length > 0 && length <= size).length;
        const expected = [0, 1, 2].slice(0, numWhole);
        expect(await stepsOf(path)).toEqual(expected);
        const file = await createMetricsFile(path);
        await file.append(lineOf(9));
        await file.close();
        expect(await stepsOf(path)).toEqual([...expected, 9]);
      }),
      { numRuns: 60 },
    );
  });

  it('names the first line that is none', async () => {
    const path = join(folder, 'broken.jsonl');
    await appendFile(path, `${JSON.stringify(lineOf(0))}\n{"kind":"other"}\n`);
    await expect(readMetricsFile(path)).rejects.toThrow(`${path}:2: not a metrics line`);
  });
});

describe('crc32c', () => {
  it('equals the vectors of RFC 3720', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  });
});

describe('event files', () => {
  it('frame every record with valid checksums and hold the scalars', async () => {
    const file = await createEventFile(folder, { fromStep: 300, host: 'host', nowMs: 1_500 });
    await file.scalars(300, 2_000, { 'train/loss': 0.5, 'train/learningRate': 0.25 });
    await file.scalars(2 ** 40 + 1, 3_000, scalarsOf(lineOf(1)));
    await file.close();
    const records = recordsOf(await readFile(file.path));
    expect(records).toHaveLength(4);
    expect(records[0]?.toString('latin1')).toContain('brain.Event:2');
    // wall_time 1.5, step 300, session_log { START }
    expect(records[1]?.toString('hex')).toBe('09000000000000f83f10ac023a020801');
    // wall_time 2, step 300, summary of two values
    expect(records[2]?.toString('hex')).toBe(
      `09000000000000004010ac022a2e` +
        `0a110a0a${hex('train/loss')}150000003f` +
        `0a190a12${hex('train/learningRate')}150000803e`,
    );
    // 2^40 + 1 as a varint
    expect(records[3]?.subarray(9, 16).toString('hex')).toBe('10818080808020');
  });

  it('never reuses a file', async () => {
    const options = { fromStep: 0, host: 'host', nowMs: 9_000 };
    await (await createEventFile(folder, options)).close();
    await expect(createEventFile(folder, options)).rejects.toThrow(/EEXIST/);
  });

  it('tags evaluations apart from steps', () => {
    expect(Object.keys(scalarsOf({ ...lineOf(0), kind: 'eval' }))).toContain('eval/masked_lm_loss');
  });
});

function hex(text: string): string {
  return Buffer.from(text).toString('hex');
}

function recordsOf(bytes: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    expect(bytes.readUInt32LE(at + 8)).toBe(maskedCrc32c(bytes.subarray(at, at + 8)));
    const data = bytes.subarray(at + 12, at + 12 + length);
    expect(bytes.readUInt32LE(at + 12 + length)).toBe(maskedCrc32c(data));
    records.push(data);
    at += 16 + length;
  }
  return records;
}
