import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { makeSettableClock } from './settable-clock.ts';

it('tells a process another time of day, both ways, and the right one again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-clock-'));
  const clock = await makeSettableClock(folder);
  onTestFinished(async () => {
    clock.close();
    await rm(folder, { recursive: true });
  });
  const hourMs = 3_600_000;
  for (const offsetMs of [0, hourMs, -hourMs, 0]) {
    clock.set(offsetMs);
    const env = { ...process.env, ...clock.env };
    const { stdout } = await promisify(execFile)('date', ['+%s'], { env });
    const toldMs = 1_000 * Number(stdout) - Date.now();
    expect(Math.abs(toldMs - offsetMs)).toBeLessThan(hourMs / 2);
  }
});
