import { expect, it } from 'vitest';
import { gather } from './gather.ts';

it('names the members that said nothing', async () => {
  const rendezvous = {
    post: async () => undefined,
    read: async () => new Map([['a', '7']]),
  };
  await expect(
    gather(rendezvous, 'checkpoint-3', ['a', 'b', 'c'], { timeoutMs: 20 }),
  ).rejects.toMatchObject({
    code: 'COLLECTIVE_TIMEOUT',
    message: 'checkpoint-3: nothing from b, c within 20 ms',
    details: { missing: 'b,c' },
  });
});
