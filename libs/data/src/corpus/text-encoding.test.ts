import { describe, expect, it } from 'vitest';
import { adviceFor, createDecode, detectEncoding } from './text-encoding.ts';

const swap = (bytes: Buffer): Buffer => Buffer.from(bytes).swap16();
const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le');
const russian = 'Все счастливые семьи похожи друг на друга.\nКаждая несчастна по-своему.\n';

describe('encoding of a text', () => {
  it.each<[string, Uint8Array, string]>([
    ['plain ASCII', Buffer.from('One.\n'), 'utf-8'],
    ['UTF-8', Buffer.from(russian), 'utf-8'],
    ['UTF-8 with a mark', Buffer.from('\ufeffOne.'), 'utf-8'],
    ['UTF-16LE with a mark', utf16('\ufeffOne.'), 'utf-16le'],
    ['UTF-16BE with a mark', swap(utf16('\ufeff日本')), 'utf-16be'],
    ['UTF-16LE without one', utf16('One.\nTwo.\n'), 'utf-16le'],
    ['UTF-16BE without one', swap(utf16('One.\nTwo.\n')), 'utf-16be'],
    ['Cyrillic UTF-16LE without one', utf16(russian), 'utf-16le'],
    ['Cyrillic UTF-16BE without one', swap(utf16(russian)), 'utf-16be'],
    ['UTF-16 cut inside a letter', utf16('Smile 😀').subarray(0, -2), 'utf-16le'],
    ['text with a stray zero', Buffer.from(`${'Words. '.repeat(100)}\0\n`), 'utf-8'],
    ['text on PDFs', Buffer.from('%PDF- begins a PDF.'), 'utf-8'],
    ['nothing', Buffer.alloc(0), 'utf-8'],
  ])('%s', (_case, bytes, encoding) => {
    expect(detectEncoding(bytes)).toEqual({ encoding });
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['UTF-32LE', Buffer.from([0xff, 0xfe, 0, 0, 0x41, 0, 0, 0]), /UTF-32.*iconv -f utf-32le/],
    ['UTF-32BE', Buffer.from([0, 0, 0xfe, 0xff, 0, 0, 0, 0x41]), /UTF-32.*iconv -f utf-32be/],
    ['a program', Buffer.from('\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0', 'latin1'), /zero bytes/],
    ['gzip', Buffer.from('\x1f\x8b\x08\0\0\0\0\0', 'latin1'), /^is gzip, no text: add \.gz/],
    ['a PDF', Buffer.from('%PDF-1.4\n%\xe2\xe3\xcf\xd3\n', 'latin1'), /^is a PDF/],
    ['UTF-16 with half a pair', utf16('One. \ud800 two.'), /zero bytes.*utf-16le/],
  ])('is refused with advice: %s', (_case, bytes, advice) => {
    expect(detectEncoding(bytes)).toEqual({ advice: expect.stringMatching(advice) });
  });
});

describe('advice on bytes that are not UTF-8', () => {
  it.each<[string, Uint8Array, RegExp]>([
    ['Windows-1252', Buffer.from('\x93Caf\xe9\x94 \x96 it\x92s.', 'latin1'), /Windows-1252.*corpus\.encoding: windows-1252.*iconv -f windows-1252/],
    ['Latin-1', Buffer.from('Gr\xfc\xdfe aus K\xf6ln', 'latin1'), /Windows-1252/],
    ['GBK', Buffer.from([0xc4, 0xe3, 0xba, 0xc3, 0xa3, 0xac, 0xca, 0xc0, 0xbd, 0xe7]), /^set corpus\.encoding.*gb18030/],
    ['Shift JIS', Buffer.from([0x93, 0xfa, 0x96, 0x7b, 0x8c, 0xea, 0x82, 0xcc, 0x95, 0xb6]), /^set corpus\.encoding.*shift_jis/],
    ['KOI8-R', Buffer.from([0xf0, 0xd2, 0xc9, 0xd7, 0xc5, 0xd4, 0x20, 0xcd, 0xc9, 0xd2]), /^set corpus\.encoding.*koi8-r/],
    ['zero bytes', Buffer.from([0x41, 0, 0xe9, 0]), /UTF-16/],
  ])('%s', (_case, bytes, advice) => {
    expect(adviceFor(bytes)).toMatch(advice);
  });
});

describe('decoding', () => {
  it('gives the quotes and dashes of Windows-1252, unlike the runtime', () => {
    const decode = createDecode('latin1');
    expect(decode(Buffer.from('\x80 \x93a\x94 \x96 \x97 \xe9', 'latin1')) + decode()).toBe('€ “a” – — é');
  });

  it.each(['utf-16le', 'shift_jis'])('joins what is cut between pieces: %s', (encoding) => {
    const bytes = encoding === 'utf-16le' ? utf16('a😀b') : Buffer.from([0x93, 0xfa, 0x96, 0x7b]);
    const whole = createDecode(encoding);
    const decode = createDecode(encoding);
    const pieces = Array.from(bytes, (byte) => decode(Uint8Array.of(byte)));
    expect(pieces.join('') + decode()).toBe(whole(bytes) + whole());
  });

  it('throws for what is cut at the end', () => {
    const decode = createDecode('utf-16le');
    expect(decode(Uint8Array.of(0x41, 0, 0x42))).toBe('A');
    expect(() => decode()).toThrow(TypeError);
  });
});
