import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeHello,
  decodeReply,
  deriveKey,
  encodeHello,
  encodeReply,
  type Hello,
  isProof,
  newNonce,
  prove,
  purposes,
} from './messages.ts';

const id = fc.string({ unit: 'grapheme', maxLength: 20 });
const nonce = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));
const hellos: fc.Arbitrary<Hello> = fc.record({
  purpose: fc.constantFrom(...purposes),
  from: id,
  to: id,
  nonce,
});
const protocol = expect.objectContaining({ code: 'COLLECTIVE_PROTOCOL' });

describe('hello', () => {
  it('survives encoding, and is undefined until all of it is there', () => {
    fc.assert(
      fc.property(hellos, fc.nat(), (hello, at) => {
        const bytes = encodeHello(hello);
        expect(decodeHello(bytes)).toEqual(hello);
        expect(decodeHello(bytes.subarray(0, at % bytes.length))).toBeUndefined();
      }),
    );
  });

  it('has at most 550 bytes, as ids are limited', () => {
    const longest = { purpose: 'join', from: 'f'.repeat(255), nonce: newNonce() } as const;
    expect(encodeHello({ ...longest, to: 't'.repeat(255) })).toHaveLength(550);
    expect(() => encodeHello({ ...longest, to: 'ü'.repeat(128) })).toThrow(/256 bytes/);
  });

  it('is refused with more bytes behind it, another version or an unknown purpose', () => {
    const bytes = encodeHello({ purpose: 'state', from: 'a', to: 'b', nonce: newNonce() });
    expect(() => decodeHello(Buffer.concat([bytes, Buffer.of(0)]))).toThrow(/more than a hello/);
    for (const [at, value] of [
      [4, 2],
      [5, 9],
    ] as const) {
      const changed = Buffer.from(bytes);
      changed[at] = value;
      expect(() => decodeHello(changed)).toThrow(protocol);
    }
  });

  it.each(['G', 'GET / HTTP/1.1', '\u0016\u0003\u0001', ' '.repeat(100_000)])(
    'is refused by its first bytes: %j',
    (text) => expect(() => decodeHello(Buffer.from(text.slice(0, 99)))).toThrow(protocol),
  );
});

describe('reply', () => {
  it('survives encoding', () => {
    const payload = newNonce();
    expect(decodeReply(encodeReply('welcome', payload))).toEqual({ status: 'welcome', payload });
    expect(decodeReply(encodeReply('busy')).status).toBe('busy');
  });

  it('is refused or read, but never crashes, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 40, maxLength: 40 }), (noise) => {
        expect(() => decodeReply(Buffer.from(noise))).toThrow(protocol);
      }),
    );
  });
});

describe('proof', () => {
  const key = deriveKey('a secret of the members');
  const hello = { purpose: 'join', from: 'a', to: 'b', nonce: newNonce() } as const;
  const listenerNonce = newNonce();
  const proof = prove(key, 'dialler', encodeHello(hello), listenerNonce);

  it('is the same from the same', () => {
    const again = deriveKey('a secret of the members');
    expect(isProof(proof, prove(again, 'dialler', encodeHello(hello), listenerNonce))).toBe(true);
  });

  it.each([
    [
      'secret',
      () => prove(deriveKey('a secret of others!'), 'dialler', encodeHello(hello), listenerNonce),
    ],
    ['role', () => prove(key, 'listener', encodeHello(hello), listenerNonce)],
    ['challenge', () => prove(key, 'dialler', encodeHello(hello), newNonce())],
    [
      'nonce',
      () => prove(key, 'dialler', encodeHello({ ...hello, nonce: newNonce() }), listenerNonce),
    ],
    ['caller', () => prove(key, 'dialler', encodeHello({ ...hello, from: 'c' }), listenerNonce)],
    [
      'member called',
      () => prove(key, 'dialler', encodeHello({ ...hello, to: 'c' }), listenerNonce),
    ],
    [
      'cut between ids',
      () => prove(key, 'dialler', encodeHello({ ...hello, from: '', to: 'ab' }), listenerNonce),
    ],
    [
      'purpose',
      () => prove(key, 'dialler', encodeHello({ ...hello, purpose: 'state' }), listenerNonce),
    ],
  ])('is another with another %s', (_, other) => {
    expect(isProof(proof, other())).toBe(false);
  });

  it('is none when it is short', () => {
    expect(isProof(proof, proof.subarray(0, 31))).toBe(false);
  });

  it('has a key that shows nothing of itself', () => {
    expect(inspect({ key }, { depth: 9 }) + JSON.stringify({ key })).not.toMatch(/secret of/);
  });
});
