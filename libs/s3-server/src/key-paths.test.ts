import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeKeyPath, encodeKeyPath } from './key-paths.ts';

const anyKey = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }).filter(isWellFormed);
const trickyKey = fc
  .array(fc.constantFrom('a', '.', '..', '/', '%', '%2F', ' ', '\0', '.berth', 'é', '\u{1F4A9}'))
  .map((pieces) => pieces.join(''))
  .filter((key) => key !== '');

function isWellFormed(text: string): boolean {
  return Buffer.from(text).toString() === text;
}

describe('encodeKeyPath', () => {
  it('keeps ordinary keys as they are', () => {
    const key = 'runs/base-1/checkpoints/step-000000100/manifest.json';
    expect(encodeKeyPath(key)).toBe(key);
  });

  it('is undone by decodeKeyPath and never leaves its folder', () => {
    fc.assert(
      fc.property(fc.oneof(anyKey, trickyKey), (key) => {
        const path = encodeKeyPath(key);
        expect(decodeKeyPath(path)).toBe(key);
        for (const name of path.split('/')) expect(name).toMatch(/^[^.\0/][^\0/]*$/);
      }),
    );
  });

  it('refuses keys and segments that no file system takes', () => {
    const tooLong = expect.objectContaining({ code: 'KeyTooLongError' });
    expect(() => encodeKeyPath('a/'.repeat(513))).toThrow(tooLong);
    expect(() => encodeKeyPath('a'.repeat(256))).toThrow(tooLong);
  });

  it('does not read a file name that it would not write', () => {
    expect(decodeKeyPath('.hidden')).toBeUndefined();
    expect(decodeKeyPath('%zz')).toBeUndefined();
    expect(decodeKeyPath('%61')).toBeUndefined();
  });
});
