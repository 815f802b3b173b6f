import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDevServer, type DevServer } from '../dev/server.ts';
import { SyntheticCluster } from '../dev/synthetic-cluster.ts';
import { findChromium, noBrowser, startBrowser } from './browser.ts';
import { expectSoon, playThrough } from './scenario.ts';

const executable = findChromium();
if (executable === undefined) console.log(noBrowser);

const run = '/runs/sotu-mini-7kq2';
const paths = [
  '/',
  run,
  `${run}/metrics`,
  `${run}/workers`,
  `${run}/data`,
  `${run}/checkpoints`,
  `${run}/try-it`,
  `${run}/logs`,
  '/queues',
  '/runs/lr-probe-3e-2',
  '/runs/ft-president',
  '/runs/ft-president/evaluation',
  '/runs/ft-topics/evaluation',
  '/runs/ft-similarity/evaluation',
  '/runs/ft-names/evaluation',
  '/runs/ft-names/try-it',
  '/runs/ft-questions/evaluation',
  '/grids/era-grid',
];

describe.skipIf(executable === undefined)(
  'the dashboard in a browser',
  { timeout: 600_000 },
  () => {
    let browser: Browser;
    let server: DevServer;

    beforeAll(async () => {
      server = await startDevServer(new SyntheticCluster({ isSmall: true }));
      browser = await startBrowser(executable ?? '');
    });
    afterAll(async () => {
      await browser.close();
      await server.close();
    });

    /** Does something with a page. @returns what the browser complained of, broken security policy for one */
    async function withPage(
      options: { width?: number; theme?: 'light' | 'dark'; bypassCsp?: boolean },
      act: (page: Page) => Promise<void>,
    ): Promise<string[]> {
      const { width = 1280, theme = 'light', bypassCsp = false } = options;
      const context = await browser.newContext({
        viewport: { width, height: 800 },
        colorScheme: theme,
        bypassCSP: bypassCsp,
        reducedMotion: 'reduce',
      });
      const page = await context.newPage();
      page.setDefaultTimeout(100_000);
      const complaints: string[] = [];
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('console', (message) => {
        if (message.type() === 'error' && !/40[149]/.test(message.text()))
          complaints.push(message.text());
      });
      await act(page);
      await context.close();
      return complaints;
    }

    it('plays a run through: form, curves, loss of a worker, controls, branch', async () => {
      const complaints = await withPage({}, (page) =>
        playThrough(page, {
          url: server.url,
          name: 'played',
          numSteps: 4000,
          numWorkers: 3,
          fields: { model: 'tiny', globalBatch: '16' },
          enoughSteps: 12,
          timeoutMs: 100_000,
          killWorker: () => Promise.resolve(server.cluster.killWorker('played')),
        }),
      );
      expect(complaints).toEqual([]);
    });

    it.each(['light', 'dark'] as const)(
      'has no serious fault for axe in the %s theme',
      async (theme) => {
        const complaints = await withPage({ theme, bypassCsp: true }, async (page) => {
          for (const path of paths) {
            await page.goto(server.url + path);
            await page.locator('h1').waitFor();
            await page.waitForTimeout(200);
            await page.addScriptTag({ content: axe.source });
            expect([path, await seriousFaults(page)]).toEqual([path, []]);
          }
          await page.goto(server.url);
          await page.locator('[data-control="new-run"]').click();
          await page.addScriptTag({ content: axe.source });
          expect(await seriousFaults(page)).toEqual([]);
        });
        expect(complaints).toEqual([]);
      },
    );

    it('fits 360 pixels', async () => {
      const complaints = await withPage({ width: 360 }, async (page) => {
        for (const path of paths) {
          await page.goto(server.url + path);
          await page.locator('h1').waitFor();
          await page.waitForTimeout(200);
          const width = await page.evaluate(() => document.documentElement.scrollWidth);
          expect([path, width <= 360]).toEqual([path, true]);
        }
      });
      expect(complaints).toEqual([]);
    });

    it('covers no part of a checkpoint at 360 pixels', async () => {
      await withPage({ width: 360 }, async (page) => {
        await page.goto(`${server.url}${run}/checkpoints`);
        await page.locator('tr[data-step]').first().waitFor();
        const numCovered = await page.evaluate(() => {
          const parts = [...(document.querySelector('tr[data-step]')?.children ?? [])].map((part) =>
            part.getBoundingClientRect(),
          );
          const cover = (a: DOMRect, b: DOMRect): boolean =>
            Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
            Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
          return parts.flatMap((a, i) => parts.slice(i + 1).filter((b) => cover(a, b))).length;
        });
        expect(numCovered).toBe(0);
      });
    });

    it('keeps axis and smoothing in the address, over a reload and another tab', async () => {
      await withPage({}, async (page) => {
        await page.goto(`${server.url}${run}/metrics`);
        await page.getByRole('button', { name: 'Wall time' }).click();
        await page.locator('.slider input').press('End');
        await page.waitForURL(/metrics\?axis=time&smooth=2500$/);
        await page.reload();
        await page.locator('.slider output', { hasText: '2,500 steps' }).waitFor();
        await page.locator('.tabs a', { hasText: 'Logs' }).click();
        await page.waitForURL(/logs$/);
        await page.locator('.tabs a', { hasText: 'Metrics' }).click();
        await page.waitForURL(/metrics\?axis=time&smooth=2500$/);
        const chosen = page.getByRole('button', { name: 'Wall time', pressed: true });
        expect(await chosen.isVisible()).toBe(true);
      });
    });

    it('switches the theme, redraws the charts, and remembers it', async () => {
      const complaints = await withPage({}, async (page) => {
        await page.goto(server.url + run);
        const canvas = page.locator('[data-chart="loss"] canvas');
        await canvas.waitFor();
        const paint = (): Promise<string> =>
          canvas.evaluate((node) => (node as HTMLCanvasElement).toDataURL());
        const before = await paint();
        await page.getByRole('button', { name: 'Switch to dark' }).click();
        await expectSoon(page, paint, (picture) => picture !== before);
        await page.reload();
        await canvas.waitFor();
        expect(await page.evaluate(() => document.documentElement.dataset['theme'])).toBe('dark');
      });
      expect(complaints).toEqual([]);
    });

    it('is used by keyboard: filter, cursor of all charts, dialogs', async () => {
      const complaints = await withPage({}, async (page) => {
        await page.goto(server.url);
        await page.locator('.row-link').first().waitFor();
        await page.keyboard.press('/');
        await page.keyboard.type('lr-probe');
        await expectSoon(
          page,
          () => page.locator('.row-link').count(),
          (count) => count === 2,
        );
        await page.locator('[data-control="new-run"]').click();
        await page.locator('dialog').waitFor();
        await page.keyboard.press('Escape');
        await page.locator('dialog').waitFor({ state: 'detached' });
        await page.goto(`${server.url}${run}/metrics`);
        await page.locator('[data-chart="loss"] .plot').focus();
        await page.keyboard.press('Home');
        for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowRight');
        const at = async (chart: string): Promise<number> =>
          numberIn(await page.locator(`[data-chart="${chart}"] .legend-x`).innerText());
        await expectSoon(
          page,
          () => at('masked_lm_loss'),
          (step) => step > 1 && step < 100,
        );
        expect(Math.abs((await at('loss')) - (await at('masked_lm_loss')))).toBeLessThan(20);
      });
      expect(complaints).toEqual([]);
    });

    it('zooms by dragging, shows all again, and turns a chart into a table', async () => {
      const complaints = await withPage({}, async (page) => {
        await page.goto(`${server.url}${run}/metrics`);
        const chart = page.locator('[data-chart="loss"]');
        const box = await chart.locator('.u-over').boundingBox();
        if (box === null) throw new Error('No chart');
        await page.mouse.move(box.x + 200, box.y + 80);
        await page.mouse.down();
        await page.mouse.move(box.x + 300, box.y + 80, { steps: 4 });
        await page.mouse.up();
        await page.getByText(/^Steps [\d,]+ to [\d,]+$/).waitFor();
        await page.getByRole('button', { name: 'Show all' }).click();
        await page.getByText('Drag over a chart to zoom').waitFor();
        await chart.getByRole('button', { name: 'Show as table' }).click();
        expect(await chart.locator('tbody tr').count()).toBeGreaterThan(100);
      });
      expect(complaints).toEqual([]);
    });

    it('brings its letters along', async () => {
      const complaints = await withPage({}, async (page) => {
        await page.goto(server.url);
        await page.locator('h1').waitFor();
        const loaded = await page.evaluate(async () => {
          const { fontFamily } = getComputedStyle(document.body);
          const faces = await document.fonts.load(`14px ${fontFamily.split(',')[0] ?? ''}`);
          return faces.map(({ status }) => status);
        });
        expect(loaded).toContain('loaded');
      });
      expect(complaints).toEqual([]);
    });

    it('says what more steps make of a run, and gives it them', async () => {
      const complaints = await withPage({ bypassCsp: true }, async (page) => {
        const dialog = page.locator('dialog');
        const goOn = page.locator('[data-control="confirm-extend"]');
        await page.goto(`${server.url}${run}`);
        expect(await page.locator('[data-control="extend"]').getAttribute('aria-disabled')).toBe(
          'true',
        );
        await page.goto(`${server.url}/runs/sotu-demo`);
        await page.locator('[data-control="extend"]').click();
        await dialog.getByRole('alert').getByText('its schedule, google, has planned').waitFor();
        await dialog.locator('.command', { hasText: 'berth fork sotu-demo --set' }).waitFor();
        expect(await goOn.getAttribute('aria-disabled')).toBe('true');
        await page.addScriptTag({ content: axe.source });
        expect(await seriousFaults(page)).toEqual([]);
        await dialog.locator('input[name="numSteps"]').fill('100');
        await dialog.getByText('planned for 120 steps already; name more').waitFor();
        await page.goto(`${server.url}/runs/sotu-wsd`);
        await page.locator('[data-control="extend"]').click();
        await dialog.getByText('Goes back from step 120 to 100').waitFor();
        await dialog.locator('input[name="numSteps"]').fill('300');
        await dialog.getByText('those of 300 steps').waitFor();
        await goOn.click();
        await page.locator('.toast', { hasText: 'sotu-wsd goes on to step 300' }).waitFor();
        await page.locator('.run-title .chip', { hasText: 'Running' }).waitFor();
        await page.locator('.run-bar', { hasText: 'of 300 steps' }).waitFor();
      });
      expect(complaints).toEqual([]);
    });

    it('retries a failed job and says so', async () => {
      const complaints = await withPage({}, async (page) => {
        await page.goto(`${server.url}/queues`);
        const jobs = page.locator('[data-job]');
        await jobs.first().waitFor();
        const before = await jobs.count();
        await jobs.first().getByRole('button', { name: 'Retry' }).click();
        await page.locator('.toast', { hasText: 'runs again' }).waitFor();
        await expectSoon(
          page,
          () => jobs.count(),
          (count) => count === before - 1,
        );
        await page.getByText('No workers').waitFor();
      });
      expect(complaints).toEqual([]);
    });

    it('takes the token out of the link, and keeps it for the tab', async () => {
      const guarded = await startDevServer(
        new SyntheticCluster({ isSmall: true, needsToken: true }),
      );
      const complaints = await withPage({}, async (page) => {
        await page.goto(`${guarded.url}/queues?a=b#token=secret`);
        await page.getByRole('button', { name: 'Retry' }).first().click();
        await page.locator('.toast', { hasText: 'runs again' }).waitFor();
        expect(page.url()).toBe(`${guarded.url}/queues?a=b`);
        await page.reload();
        await page.getByRole('button', { name: 'Retry' }).first().waitFor();
        expect(await page.locator('dialog').count()).toBe(0);
      });
      expect(complaints).toEqual([]);
      await guarded.close();
    });

    it('asks for the token once when it has none, and again when it is wrong', async () => {
      const guarded = await startDevServer(
        new SyntheticCluster({ isSmall: true, needsToken: true }),
      );
      const complaints = await withPage({}, async (page) => {
        await page.goto(`${guarded.url}/queues`);
        await page.locator('dialog input:focus').waitFor();
        await page.locator('.stream', { hasText: 'No token' }).waitFor();
        expect(await page.getByText('No connection').count()).toBe(0);
        await page.locator('dialog input').fill('guess');
        await page.getByRole('button', { name: 'Continue' }).click();
        await page.getByText('does not take that token').waitFor();
        await page.locator('dialog input').fill('secret');
        await page.getByRole('button', { name: 'Continue' }).click();
        await page.getByRole('button', { name: 'Retry' }).first().click();
        await page.locator('.toast', { hasText: 'runs again' }).waitFor();
        await page.getByRole('button', { name: 'Retry' }).first().click();
        await expectSoon(
          page,
          () => page.locator('.toast', { hasText: 'runs again' }).count(),
          (count) => count === 2,
        );
      });
      expect(complaints).toEqual([]);
      await guarded.close();
    });

    it('shows the one command when there is nothing, and what is past when the coordinator is away', async () => {
      const empty = await startDevServer(new SyntheticCluster({ isEmpty: true }));
      const complaints = await withPage({}, async (page) => {
        await page.goto(empty.url);
        await page.getByText('berth train configs/demo.yaml').waitFor();
      });
      expect(complaints).toEqual([]);
      await empty.close();
    });
  },
);

async function seriousFaults(page: Page): Promise<string[]> {
  const faults = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: {
        run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }>;
      };
    };
    return (await axe.run()).violations;
  });
  return faults
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .slice(0, 3)
          .map(({ html }) => html.slice(0, 160))
          .join(' | ')}`,
    );
}

function numberIn(text: string): number {
  return Number(text.replaceAll(/\D/g, ''));
}
