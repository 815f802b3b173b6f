import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { temporaryFolder, waitFor } from '@berth/testing';
import { expect, it } from 'vitest';
import { childrenOf, spawnBerth } from '../testing/berth-process.ts';

it.each([
  ['chaos', ['chaos', '--fault', 'worker-kill=1'], ['coordinator', 'worker'], 'SIGINT', 130],
  [
    'a benchmark',
    ['bench', 'api', '--steps', '1000', '--rounds', '1000'],
    ['coordinator'],
    'SIGTERM',
    143,
  ],
] as const)(
  'ends all that %s has started when it is interrupted',
  async (_, args, programs, signal, exitCode) => {
    const { path: folder } = await temporaryFolder();
    const command = spawnBerth(args, folder, { TMPDIR: folder });
    const exit = once(command, 'exit');
    const pid = command.pid ?? 0;
    // A benchmark is a process of its own.
    const parents = (): number[] => [pid, ...childrenOf(pid, '')];
    const started = (): number[] =>
      ['redis-server', ...programs].flatMap((name) =>
        parents().flatMap((parent) => childrenOf(parent, name)),
      );
    await waitFor(() => started().length > programs.length, { what: 'its processes' });
    const children = started();
    command.kill(signal);
    expect(await exit).toEqual([exitCode, null]);
    // Those that were only starting end by themselves, as orphans.
    const areGone = (): boolean => children.every((child) => !existsSync(`/proc/${child}`));
    await waitFor(areGone, { what: 'the end of its processes' });
  },
);
