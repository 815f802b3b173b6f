import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDevServer, type DevServer } from '../dev/server.ts';
import { SyntheticCluster } from '../dev/synthetic-cluster.ts';
import { findChromium, noBrowser, startBrowser } from './browser.ts';

const executable = findChromium();
if (executable === undefined) console.log(noBrowser);

describe.skipIf(executable === undefined)('fine-tuning in a browser', { timeout: 300_000 }, () => {
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

  /** @returns what the browser complained of */
  async function withPage(act: (page: Page) => Promise<void>): Promise<string[]> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' && !/404/.test(message.text()))
        complaints.push(message.text());
    });
    await act(page);
    await context.close();
    return complaints;
  }

  it('begins with a checkpoint of another run', async () => {
    const complaints = await withPage(async (page) => {
      await page.goto(`${server.url}/runs/sotu-demo/checkpoints`);
      await page.locator('[data-control="fine-tune"]').first().click();
      const dialog = page.locator('dialog');
      expect(await dialog.locator('input[name="from"]').inputValue()).toBe('sotu-demo@120');
      const start = dialog.locator('[data-control="start-run"]');
      expect(await start.getAttribute('aria-disabled')).toBe('true');
      await dialog.locator('input[value="regress"]').check({ force: true });
      await dialog.locator('input[name="train"]').fill('data/sts.tsv');
      await dialog.locator('input[name="name"]').fill('tuned');
      await dialog.locator('[data-control="show-yaml"]').click();
      await dialog.getByText('kind: regress').waitFor();
      await start.click();
      await page.waitForURL('**/runs/tuned');
      await page.getByText('data/sts.tsv').first().waitFor();
    });
    expect(complaints).toEqual([]);
  });

  it('shows an evaluation, and that of another step', async () => {
    const complaints = await withPage(async (page) => {
      await page.goto(`${server.url}/runs/ft-names/evaluation`);
      const matrix = page.locator('.confusion');
      await matrix.locator('th', { hasText: 'B-PER' }).first().waitFor();
      expect(await matrix.locator('tbody td').count()).toBe(49);
      await page.getByText('majority').first().waitFor();
      expect(await page.locator('.worst mark').count()).toBeGreaterThan(5);
      const value = page.locator('.tile-value').first();
      const before = await value.innerText();
      await page.locator('select[name="evaluation-step"]').selectOption({ index: 3 });
      await page.waitForFunction(
        ([was]) => document.querySelector('.tile-value')?.textContent !== was,
        [before],
      );
      await page.getByRole('button', { name: 'F1' }).click();
      expect(await page.locator('th[aria-sort="ascending"]').innerText()).toContain('F1');
    });
    expect(complaints).toEqual([]);
  });

  it('is asked, and answers from the context', async () => {
    const complaints = await withPage(async (page) => {
      await page.goto(`${server.url}/runs/ft-questions/try-it`);
      await page.locator('textarea[name="first"]').fill('Who?');
      const ask = page.locator('[data-control="predict"]');
      expect(await ask.getAttribute('aria-disabled')).toBe('true');
      await page.locator('textarea[name="second"]').fill('It was signed by Mr. Adams in May.');
      await ask.click();
      await page.locator('.prediction').waitFor();
      const marked = await page.locator('mark.tag').innerText();
      expect(await page.locator('.prediction').innerText()).toContain(marked);
    });
    expect(complaints).toEqual([]);
  });

  it('has a grid on one page, and in one row of the list', async () => {
    const complaints = await withPage(async (page) => {
      await page.goto(server.url);
      const row = page.locator('[data-grid="era-grid"]');
      await row.waitFor();
      expect(await page.locator('[data-run="era-grid-3"]').count()).toBe(0);
      await row.getByRole('button', { name: 'Show the runs' }).click();
      await page.locator('[data-run="era-grid-3"]').waitFor();
      await row.locator('a').click();
      await page.waitForURL('**/grids/era-grid');
      expect(await page.locator('[data-run]').count()).toBe(6);
      expect(await page.locator('.grid-dot').count()).toBe(5);
      const steps = page.locator('[data-run="era-grid-5"] .point-steps');
      const before = await steps.innerText();
      await page.waitForFunction(
        ([was]) =>
          (document.querySelector('[data-run="era-grid-5"] .point-steps') as HTMLElement)
            .innerText !== was,
        [before],
      );
    });
    expect(complaints).toEqual([]);
  });
});
