import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createChecksum, type ChecksumAlgorithm } from './checksums.ts';

// Check values of the published algorithms over the ASCII digits "123456789".
const checkValues: [ChecksumAlgorithm, string][] = [
  ['CRC32', 'cbf43926'],
  ['CRC32C', 'e3069283'],
  ['CRC64NVME', 'ae8b14860a799888'],
  ['SHA1', 'f7c3bc1d808e04732adf679965ccc34ca7ae3441'],
  ['SHA256', '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225'],
];

describe('createChecksum', () => {
  it.each(checkValues)('gives the published check value of %s', (algorithm, expected) => {
    const checksum = createChecksum(algorithm);
    checksum.update(Buffer.from('123456789'));
    expect(checksum.digest().toString('hex')).toBe(expected);
  });

  it.each(checkValues)('does not depend on where %s is cut', (algorithm) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (bytes, cut) => {
        const whole = createChecksum(algorithm);
        whole.update(bytes);
        const pieces = createChecksum(algorithm);
        pieces.update(bytes.subarray(0, cut));
        pieces.update(bytes.subarray(cut));
        expect(pieces.digest()).toEqual(whole.digest());
      }),
      { numRuns: 50 },
    );
  });
});
