import { gzipSync } from 'node:zlib';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chunksOf, corpusFolder, documentsOf } from '../../testing/corpus-fixture.ts';

const text = 'One.\nTwo.\n\nThrée.\n';

/** The text, as the tools of these names compress it. */
const compressed: Readonly<Record<string, Buffer>> = {
  'gz': gzipSync(text),
  'bz2': Buffer.from(
    'QlpoOTFBWSZTWb0j8RsAAAPXlAAQAAEAAIQAAkGQgAAgCAAgACIaBoBA0DQCAGUddsncfu8XckU4UJC9I/Eb',
    'base64',
  ),
  'xz': Buffer.from(
    '/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQAST25lLgpUd28uCgpUaHLDqWUuCgAA8QFBDonSRmoAASsTnAlI0h+2830BAAAAAARZWg==',
    'base64',
  ),
  'zst': Buffer.from('KLUv/QRYmQAAT25lLgpUd28uCgpUaHLDqWUuCrX/ufA=', 'base64'),
};

async function sentencesOf(name: string, bytes: Uint8Array): Promise<(readonly string[])[]> {
  const folder = await corpusFolder({ [name]: bytes });
  const documents = await documentsOf(await chunksOf(join(folder, name)));
  return documents.map(({ sentences }) => sentences);
}

describe.each(Object.entries(compressed))('%s', (suffix, bytes) => {
  it('is read, all of its members', async () => {
    const expected = [['One.', 'Two.'], ['Thrée.']];
    expect(await sentencesOf(`A.TXT.${suffix.toUpperCase()}`, bytes)).toEqual(expected);
    const twice = Buffer.concat([bytes, bytes]);
    expect(await sentencesOf(`a.txt.${suffix}`, twice)).toEqual([
      ['One.', 'Two.'],
      ['Thrée.', 'One.', 'Two.'],
      ['Thrée.'],
    ]);
  });

  it.each([
    ['cut short', bytes.subarray(0, -3)],
    ['something else', Buffer.from('Something else.\n')],
  ])('is refused when it is %s', async (_case, damaged) => {
    await expect(sentencesOf(`a.txt.${suffix}`, damaged)).rejects.toMatchObject({
      code: 'DATA_CORPUS_INVALID',
      message: expect.stringMatching(/a\.txt\.\w+: is (damaged: |not (gzip|zstd|bzip2|xz): ).*intact copy$/),
    });
  });

  it('may hold a table', async () => {
    const folder = await corpusFolder({ [`a.csv.${suffix}`]: bytes });
    const documents = await documentsOf(await chunksOf(folder), { textField: 'One.' });
    expect(documents.map(({ sentences }) => sentences)).toEqual([['Two.'], ['Thrée.']]);
  });
});

it('says where damage shows, however much of the text it spoils', async () => {
  const content = Buffer.concat([gzipSync(text), gzipSync(Buffer.alloc(1 << 18, 'a b.\n'))]);
  const at = content.length - 200;
  content.fill(0xa5, at, at + 20);
  await expect(sentencesOf('a.txt.gz', content)).rejects.toThrow(/is damaged: .* after byte \d+ of the file/);
  // Its raw blocks are taken as they are, and only the checksum tells.
  const raw = Buffer.from(compressed['zst']!);
  raw[12] = 0;
  raw[13] = 0;
  await expect(sentencesOf('a.txt.zst', raw)).rejects.toThrow('the checksum of its content does not match');
});
