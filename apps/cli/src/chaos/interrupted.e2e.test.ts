import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { temporaryFolder, waitFor } from '@berth/testing';
import { expect, it } from 'vitest';
import { childrenOf, spawnBerth } from '../testing/berth-process.ts';

it('ends all that it has started when it is interrupted', async () => {
  const { path: folder } = await temporaryFolder();
  const chaos = spawnBerth(['chaos', '--fault', 'worker-kill=1'], folder, { TMPDIR: folder });
  const exit = once(chaos, 'exit');
  const pid = chaos.pid ?? 0;
  const started = (): number[] =>
    ['redis-server', 'coordinator', 'worker'].flatMap((name) => childrenOf(pid, name));
  await waitFor(() => started().length >= 3, { what: 'its processes' });
  const children = started();
  chaos.kill('SIGINT');
  expect(await exit).toEqual([130, null]);
  // Those that were only starting end by themselves, as orphans.
  const areGone = (): boolean => children.every((child) => !existsSync(`/proc/${child}`));
  await waitFor(areGone, { what: 'the end of its processes' });
});
