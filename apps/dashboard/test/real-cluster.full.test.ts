import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { WorkerReport } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { findChromium, noBrowser, startBrowser } from './browser.ts';
import { playThrough } from './scenario.ts';

const executable = findChromium();
if (executable === undefined) console.log(noBrowser);

const berth = fileURLToPath(new URL('../../cli/bin/berth.js', import.meta.url));
const startTimeoutMs = 400_000;

describe.skipIf(executable === undefined)('a real cluster', { timeout: 1_800_000 }, () => {
  it('is played through from the page alone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'berth-page-'));
    const { url, child } = await startCluster(folder);
    const token = readFileSync(join(folder, 'api-token'), 'utf8').trim();
    const browser = await startBrowser(executable ?? '');
    try {
      const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
      const complaints: string[] = [];
      page.on('pageerror', (error) => complaints.push(error.message));
      await playThrough(page, {
        url: `${url}/#token=${token}`,
        name: 'played',
        numSteps: 4000,
        numWorkers: 2,
        preset: 'chaos',
        fields: {},
        enoughSteps: 25,
        timeoutMs: 400_000,
        killWorker: () => killWorker(url, token, 'played'),
      });
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
      child.kill('SIGTERM');
      await once(child, 'exit');
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** `berth up` with two workers, as a person would start it. */
async function startCluster(folder: string): Promise<{ url: string; child: ChildProcess }> {
  const child = spawn(process.execPath, [berth, 'up', '--workers', '2', '--port', '0'], {
    env: { ...process.env, BERTH_FOLDER: folder },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const file = join(folder, 'cluster.json');
  const deadline = Date.now() + startTimeoutMs;
  while (!existsSync(file)) {
    if (Date.now() > deadline || child.exitCode !== null) {
      child.kill('SIGKILL');
      throw new Error(`No cluster in ${folder} within ${startTimeoutMs} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  const { coordinatorUrl } = JSON.parse(readFileSync(file, 'utf8')) as { coordinatorUrl: string };
  return { url: coordinatorUrl, child };
}

/** Kills the process of the first worker that trains. @returns its member id */
async function killWorker(url: string, token: string, runId: string): Promise<string> {
  const response = await fetch(`${url}/api/runs/${runId}/workers`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const workers = (await response.json()) as WorkerReport[];
  const victim = workers.find(({ state, rank }) => state !== 'lost' && rank !== null);
  if (victim === undefined) throw new Error('No worker trains');
  process.kill(victim.pid, 'SIGKILL');
  return victim.memberId;
}
