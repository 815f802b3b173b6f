import { mkdirSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { startDevServer } from '../dev/server.ts';
import { SyntheticCluster } from '../dev/synthetic-cluster.ts';
import { findChromium, noBrowser, startBrowser } from './browser.ts';

/** Takes a picture of every page in both themes and at phone width: `npm run screenshots -- FOLDER [NAME...]`. */
const [folder = 'dist/screenshots', ...only] = process.argv.slice(2);

const run = '/runs/wiki-base-64';
const pages: Readonly<Record<string, string>> = {
  runs: '/',
  overview: run,
  metrics: `${run}/metrics`,
  workers: `${run}/workers`,
  'workers-few': '/runs/sotu-mini-7kq2/workers',
  data: `${run}/data`,
  checkpoints: `${run}/checkpoints`,
  'try-it': `${run}/try-it`,
  logs: `${run}/logs`,
  preparing: '/runs/news-mini-r2',
  queues: '/queues',
  failed: '/runs/lr-probe-3e-2',
  degraded: '/runs/sotu-mini-7kq2',
  'fine-tune': '/runs/ft-president',
  'fine-tune-metrics': '/runs/ft-president/metrics',
  'fine-tune-checkpoints': '/runs/ft-president/checkpoints',
  'evaluation-classes': '/runs/ft-president/evaluation',
  'evaluation-many': '/runs/ft-topics/evaluation',
  'evaluation-regress': '/runs/ft-similarity/evaluation',
  'evaluation-tags': '/runs/ft-names/evaluation',
  grid: '/grids/era-grid',
  'grid-run': '/runs/era-grid-5',
  'evaluation-answers': '/runs/ft-questions/evaluation',
};

const executable = findChromium();
const text = 'The treaty with Spain was signed by Mr. Adams and Mr. Onis at Washington.';
const questions: Readonly<Record<string, readonly [string, string?]>> = {
  'ft-president': [text],
  'ft-topics': [text],
  'ft-similarity': [text, 'A treaty was made with Spain.'],
  'ft-names': [text],
  'ft-questions': ['Who signed the treaty?', text],
};

if (executable === undefined) {
  console.log(noBrowser);
} else {
  mkdirSync(folder, { recursive: true });
  const server = await startDevServer(new SyntheticCluster());
  const empty = await startDevServer(new SyntheticCluster({ isEmpty: true }));
  const browser = await startBrowser(executable);
  for (const theme of ['light', 'dark'] as const) {
    await shootAll(browser, theme, { width: 1440, height: 900 }, '');
    await shootAll(browser, theme, { width: 360, height: 780 }, '-360');
    await shootDialogs(browser, theme);
  }
  await browser.close();
  await server.close();
  await empty.close();

  async function shootAll(
    browser: Browser,
    theme: 'light' | 'dark',
    viewport: { width: number; height: number },
    suffix: string,
  ): Promise<void> {
    const context = await browser.newContext({ viewport, colorScheme: theme });
    const page = await context.newPage();
    for (const [name, path] of Object.entries(pages)) {
      if (only.length > 0 && !only.includes(name)) continue;
      await page.goto(server.url + path);
      await page.waitForTimeout(900);
      if (name.endsWith('metrics')) await scrollThrough(page);
      await page.mouse.move(viewport.width / 3, 560);
      await page.waitForTimeout(200);
      await save(page, `${name}${suffix}-${theme}`, isTall(name) || suffix !== '');
    }
    await context.close();
  }

  function isTall(name: string): boolean {
    return name.endsWith('metrics') || /^(evaluation|grid)/.test(name);
  }

  async function shootDialogs(browser: Browser, theme: 'light' | 'dark'): Promise<void> {
    if (only.length > 0 && !only.includes('dialogs')) return;
    const context = await browser.newContext({
      viewport: { width: 1440, height: 900 },
      colorScheme: theme,
    });
    const page = await context.newPage();
    await page.goto(empty.url);
    await page.getByText('No runs yet').waitFor();
    await save(page, `empty-${theme}`, false);
    await page.goto(server.url);
    await page.locator('[data-control="new-run"]').click();
    await page.waitForTimeout(500);
    await save(page, `new-run-${theme}`, false);
    await page.locator('[data-kind="fine-tune"]').click();
    await save(page, `new-fine-tune-${theme}`, false);
    await page.goto(`${server.url}/runs/sotu-demo/checkpoints`);
    await page.locator('[data-control="fine-tune"]').first().click();
    await page.locator('input[name="train"]').fill('data/train.csv');
    await page.locator('[data-control="show-yaml"]').click();
    await save(page, `fine-tune-yaml-${theme}`, false);
    for (const [name, [first, second]] of Object.entries(questions)) {
      await page.goto(`${server.url}/runs/${name}/try-it`);
      await page.locator('textarea[name="first"]').fill(first);
      if (second !== undefined) await page.locator('textarea[name="second"]').fill(second);
      await page.locator('[data-control="predict"]').click();
      await page.getByText('At step').waitFor();
      await page.waitForTimeout(400);
      await save(page, `try-${name}-${theme}`, true);
    }
    await page.goto(`${server.url}${run}`);
    await page.locator('[data-control="kill"]').first().click();
    await page.waitForTimeout(400);
    await save(page, `kill-${theme}`, false);
    await context.close();
  }

  /** Charts are made when they come into view. */
  async function scrollThrough(page: Page): Promise<void> {
    for (let y = 0; y < 4000; y += 500) {
      await page.evaluate((top) => scrollTo(0, top), y);
      await page.waitForTimeout(120);
    }
    await page.evaluate(() => scrollTo(0, 0));
  }

  async function save(page: Page, name: string, fullPage: boolean): Promise<void> {
    await page.screenshot({ path: `${folder}/${name}.png`, fullPage });
  }
}
