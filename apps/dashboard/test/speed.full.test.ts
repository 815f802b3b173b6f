import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { startDevServer } from '../dev/server.ts';
import { SyntheticCluster } from '../dev/synthetic-cluster.ts';
import { findChromium, noBrowser, startBrowser } from './browser.ts';

const executable = findChromium();
if (executable === undefined) console.log(noBrowser);

const maxInteractiveMs = 1000;
const maxRedrawMs = 50;

describe.skipIf(executable === undefined)(
  '100,000 steps and 64 workers',
  { timeout: 240_000 },
  () => {
    const run = '/runs/wiki-base-64';
    /** What tells that a page can be read and used. */
    const pages: readonly (readonly [path: string, ready: string])[] = [
      ['/', '.row-link'],
      [run, '[data-chart="loss"] canvas'],
      [`${run}/metrics`, '[data-chart="masked_lm_loss"] canvas'],
      [`${run}/workers`, 'tr[data-worker]'],
      [`${run}/checkpoints`, 'tr[data-step]'],
      [`${run}/logs`, '.log-row'],
      ['/queues', '[data-queue]'],
    ];

    it('is ready within a second on every page, and redraws a chart in 50 ms', async () => {
      const server = await startDevServer(new SyntheticCluster());
      const browser = await startBrowser(executable ?? '');
      const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
      await page.goto(server.url);
      const readyMs: Record<string, number> = {};
      for (const [path, ready] of pages)
        readyMs[path] = await bestOfThree(page, server.url + path, ready);
      await page.goto(`${server.url}${run}/metrics`);
      await page.locator('[data-chart="loss"] canvas').waitFor();
      await page.waitForTimeout(4000);
      const redraws = await page.evaluate(() =>
        performance.getEntriesByName('chart-redraw').map(({ duration }) => duration),
      );
      await browser.close();
      await server.close();
      const sorted = redraws.toSorted((a, b) => a - b);
      const p95 = sorted[Math.floor(sorted.length * 0.95)] ?? Infinity;
      console.log('ready after, ms:', readyMs);
      console.log(
        `${redraws.length} redraws: median ${sorted[sorted.length >> 1]?.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms`,
      );
      expect(redraws.length).toBeGreaterThan(5);
      expect(sorted[sorted.length >> 1]).toBeLessThanOrEqual(maxRedrawMs);
      for (const [path, ms] of Object.entries(readyMs))
        expect([path, ms <= maxInteractiveMs]).toEqual([path, true]);
    });
  },
);

/** The machine may be busy with other tests: what counts is what the page needs. */
async function bestOfThree(page: Page, url: string, ready: string): Promise<number> {
  let best = Infinity;
  for (let i = 0; i < 3; i++) {
    const start = performance.now();
    await page.goto(url, { waitUntil: 'commit' });
    await page.locator(ready).first().waitFor();
    best = Math.min(best, performance.now() - start);
  }
  return Math.round(best);
}
