import { setImmediate as tick } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { mapConcurrently } from './map-concurrently.ts';

describe('mapConcurrently', () => {
  it('keeps the order and the limit', async () => {
    let running = 0;
    let most = 0;
    const results = await mapConcurrently([5, 1, 4, 2, 3], 2, async (turns) => {
      most = Math.max(most, ++running);
      for (let turn = 0; turn < turns; turn++) await tick();
      running--;
      return turns * 10;
    });
    expect(results).toEqual([50, 10, 40, 20, 30]);
    expect(most).toBe(2);
  });

  it('aborts and awaits the others when one fails, and starts no more', async () => {
    const log: string[] = [];
    const failing = mapConcurrently(['slow', 'bad', 'late'], 2, async (item, signal) => {
      log.push(`start ${item}`);
      await tick();
      if (item === 'bad') throw new Error('bad');
      while (!signal.aborted) await tick();
      log.push(`end ${item}`);
    });
    await expect(failing).rejects.toThrow('bad');
    expect(log).toEqual(['start slow', 'start bad', 'end slow']);
  });

  it('does nothing once the signal is aborted', async () => {
    const signal = AbortSignal.abort(new Error('stopped'));
    const started: number[] = [];
    const mapped = mapConcurrently([1], 1, async (item) => started.push(item), signal);
    await expect(mapped).rejects.toThrow('stopped');
    expect(started).toEqual([]);
  });
});
