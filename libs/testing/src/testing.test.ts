import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { startTestRedis, temporaryFolder, waitFor } from './index.ts';

describe('test helpers', () => {
  it('give each caller a Redis of its own', async () => {
    const [a, b] = await Promise.all([startTestRedis(), startTestRedis()]);
    expect(a.socket).not.toBe(b.socket);
    await Promise.all([a.stop(), b.stop()]);
  });

  it('give each caller a folder of its own and remove it', async () => {
    const [a, b] = await Promise.all([temporaryFolder(), temporaryFolder()]);
    expect(a.path).not.toBe(b.path);
    await Promise.all([a.remove(), b.remove()]);
    expect(existsSync(a.path)).toBe(false);
  });

  it('wait until the condition gives a value', async () => {
    let looks = 0;
    const value = await waitFor(() => (++looks < 3 ? undefined : 'ready'), { what: 'three looks' });
    expect([value, looks]).toEqual(['ready', 3]);
  });

  it('name what was awaited in vain', async () => {
    await expect(waitFor(() => false, { what: 'a miracle', timeoutMs: 30 })).rejects.toThrow(
      'waited 30 ms for a miracle in vain',
    );
  });
});
