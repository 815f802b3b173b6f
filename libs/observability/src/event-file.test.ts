import type { MetricsLine } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { crc32c, maskedCrc32c } from './crc32c.ts';
import { encodeEvents, eventFileName, startOfEventFile } from './event-file.ts';

const lineOf = (step: number, timeMs = step): MetricsLine => ({
  kind: 'step',
  attempt: 1,
  step,
  timeMs,
  loss: 0.5,
  masked_lm_loss: 1,
  masked_lm_accuracy: 0,
  next_sentence_loss: 1,
  next_sentence_accuracy: 0.5,
  numTokens: 10,
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
  it('frame every record with valid checksums and hold the scalars', () => {
    const bytes = Buffer.concat([
      startOfEventFile({ startedAtMs: 1_500, fromStep: 300 }),
      encodeEvents([lineOf(300, 2_000), lineOf(2 ** 40 + 1, 3_000)]),
    ]);
    const records = recordsOf(bytes);
    expect(records).toHaveLength(4);
    expect(records[0]?.toString('latin1')).toContain('brain.Event:2');
    // wall_time 1.5, step 300, session_log { START }
    expect(records[1]?.toString('hex')).toBe('09000000000000f83f10ac023a020801');
    // wall_time 2, step 300, summary whose first value is the loss
    expect(records[2]?.toString('hex')).toMatch(
      new RegExp(`^09000000000000004010ac022a..010a110a0a${hex('train/loss')}150000003f`),
    );
    expect(records[2]?.toString('latin1')).not.toContain('attempt');
    // 2^40 + 1 as a varint
    expect(records[3]?.subarray(9, 16).toString('hex')).toBe('10818080808020');
  });

  it('tag evaluations apart from steps, and sort by name', () => {
    const bytes = encodeEvents([{ ...lineOf(0), kind: 'eval' }]);
    expect(bytes.toString('latin1')).toContain('eval/masked_lm_loss');
    const names = [1, 2, 10].map((index) => eventFileName(1_700_000_000_000, index));
    expect(names.toSorted()).toEqual(names);
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
