import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from './queue.mjs';

/**
 * A run as its coordinator tells it, wherever that is now.
 * @param {string} shared - the folder where it leaves its address
 * @param {string} runName
 */
export function createRunView(shared, runName) {
  const ask = async (path, options = {}) => {
    const text = await readFile(join(shared, 'secrets/client.env'), 'utf8');
    const valueOf = (name) => new RegExp(`^${name}='(.*)'$`, 'm').exec(text)?.[1];
    const answer = await fetch(new URL(path, valueOf('BERTH_COORDINATOR_URL')), {
      ...options,
      headers: { authorization: `Bearer ${valueOf('BERTH_API_TOKEN')}` },
      signal: AbortSignal.timeout(10_000),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const at = `/api/runs/${runName}`;
  const view = {
    /** @returns {Promise<{ step: number, status: string, members: string[] }>} */
    async look() {
      const report = await ask(at);
      const members = (report.view?.members ?? []).map((member) => member.memberId);
      return { step: report.step, status: report.run.status, members };
    },
    /** Waits until a look is as wanted. */
    until: (isWanted, what) => until(() => view.look(), isWanted, what),
    /** When each step was committed, in Unix ms. */
    async commitTimes() {
      const times = [];
      for (let cursor = ''; ;) {
        const page = await ask(`${at}/metrics?after=${encodeURIComponent(cursor)}`);
        if (page.lines.length === 0) return times;
        times.push(...page.lines.filter(({ kind }) => kind === 'step').map(({ timeMs }) => timeMs));
        cursor = page.cursor;
      }
    },
    /** Saves the run and stops it. */
    stop: () => ask(`${at}/controls/stop`, { method: 'POST' }),
    /** What its jobs wrote last, for who looks for a fault. */
    async lastLines() {
      const folder = join(shared, 'logs');
      const texts = [];
      for (const name of await readdir(folder)) {
        const text = await readFile(join(folder, name), 'utf8');
        texts.push(`${name}: ${text.trim().split('\n').slice(-4).join('\n  ').slice(-1_200)}`);
      }
      return texts.join('\n');
    },
  };
  return view;
}
