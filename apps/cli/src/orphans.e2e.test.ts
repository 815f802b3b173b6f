import { existsSync } from 'node:fs';
import { temporaryFolder, waitFor } from '@berth/testing';
import { expect, it } from 'vitest';
import { childrenOf, spawnBerth } from './testing/berth-process.ts';

it('leaves no process of ours behind when what started the cluster is killed', async () => {
  const folder = await temporaryFolder();
  const up = spawnBerth(['up', '--workers', '1', '--port', '0'], folder.path);
  let said = '';
  up.stderr?.on('data', (text: Buffer) => (said += text.toString()));
  const isUp = (): boolean => said.includes('berth is up');
  await waitFor(isUp, { what: 'the cluster' });
  const children = ['coordinator', 'worker'].flatMap((name) => childrenOf(up.pid ?? 0, name));
  const redis = childrenOf(up.pid ?? 0, 'redis-server');
  expect(children).toHaveLength(2);
  up.kill('SIGKILL');
  const areGone = (): boolean => children.every((pid) => !existsSync(`/proc/${pid}`));
  await waitFor(areGone, { what: 'the end of its children' });
  // Redis stays with its data, for the next cluster in this folder.
  for (const pid of redis) process.kill(pid, 'SIGKILL');
  await folder.remove();
});
