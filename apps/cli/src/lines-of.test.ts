import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { linesOf } from './lines-of.ts';

const read = async (chunks: readonly Uint8Array[]): Promise<string[]> => {
  const lines: string[] = [];
  for await (const line of linesOf(Readable.from(chunks), 'texts.txt')) lines.push(line);
  return lines;
};

it.each([1, 2, 3, 7, 100])('reads lines that come in pieces of %i bytes', async (size) => {
  const bytes = Buffer.from('wé are 我们\r\nthe union\n\n🙂\r\nlast');
  const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    bytes.subarray(i * size, (i + 1) * size),
  );
  expect(await read(chunks)).toEqual(['wé are 我们', 'the union', '', '🙂', 'last']);
});

it('reads nothing of nothing', async () => {
  expect(await read([])).toEqual([]);
});

it.each([
  ['bytes that are no UTF-8', [Buffer.from([0x61, 0xff, 0x0a])]],
  ['a character that is cut off', [Buffer.from([0xe6, 0x88])]],
])('refuses %s by name', async (_, chunks) => {
  await expect(read(chunks)).rejects.toMatchObject({
    code: 'MODEL_INPUT_INVALID',
    message: expect.stringMatching(/^texts\.txt is not text in UTF-8/),
  });
});

it('refuses a line without end', async () => {
  const chunks = Array.from({ length: 20 }, () => Buffer.alloc(1 << 20, 'a'));
  await expect(read(chunks)).rejects.toMatchObject({ code: 'MODEL_INPUT_INVALID' });
});
