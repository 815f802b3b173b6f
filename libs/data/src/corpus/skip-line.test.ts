import { expect, it } from 'vitest';
import { skipLine } from './skip-line.ts';

it('looks no further than a mebibyte for the end of an end of many CRs', async () => {
  const [numBlocks, blockBytes] = [1_000, 1 << 16];
  let numRead = 0;
  async function* returns(): AsyncGenerator<Buffer> {
    for (; numRead < numBlocks; numRead++) yield Buffer.alloc(blockBytes, '\r');
  }
  const { start, blocks } = await skipLine({ start: 5, blocks: returns() }, Infinity);
  expect(start).toBe(6);
  expect(numRead).toBeLessThan(20);
  let numBytes = 0;
  for await (const block of blocks) numBytes += block.length;
  expect(numBytes).toBe(numBlocks * blockBytes - 1);
});
