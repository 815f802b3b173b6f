import { expect } from 'vitest';
import type { Page } from 'playwright-core';

/** A cluster that the page is driven on, made up or real. */
export interface Stage {
  readonly url: string;
  readonly name: string;
  readonly numSteps: number;
  readonly numWorkers: number;
  /** What the form starts from, when not from its first choice. */
  readonly preset?: string;
  /** What the form asks for besides. */
  readonly fields: Readonly<Record<string, string>>;
  /** Steps after which there is something to lose. */
  readonly enoughSteps: number;
  /** Longest that any of it may take. */
  readonly timeoutMs: number;
  /** Kills a worker of the run. @returns its member id */
  killWorker(): Promise<string>;
}

/** Everything that a person may do with a run, once through. */
export async function playThrough(page: Page, stage: Stage): Promise<void> {
  page.setDefaultTimeout(stage.timeoutMs);
  await startFromForm(page, stage);
  await watchCurvesMove(page, stage);
  await pressAndSee(page, 'checkpoint', 'saves a checkpoint');
  await seeCheckpoint(page, stage);
  await killAndSeeNamed(page, stage);
  await pressAndSee(page, 'pause', 'will save and pause');
  await seeStatus(page, 'Paused');
  await seeDisabled(page, 'pause');
  await pressAndSee(page, 'resume', 'goes on');
  await seeStatus(page, /Running|Degraded/);
  await passStep(page, stage.enoughSteps * 2);
  await page.locator('[data-control="stop"]').first().click();
  await page.locator('[data-control="confirm-stop"]').click();
  await seeStatus(page, 'Stopped');
  await resumeFromOldest(page);
}

async function startFromForm(page: Page, stage: Stage): Promise<void> {
  await page.goto(stage.url);
  await page.locator('[data-control="new-run"]').click();
  const form = page.locator('dialog form');
  await expectSoon(
    page,
    () => form.locator('input[name="corpus"]').inputValue(),
    (text) => text !== '',
  );
  if (stage.preset !== undefined)
    await form.locator('select[name="preset"]').selectOption(stage.preset);
  await form.locator('input[name="name"]').fill(stage.name);
  await form.locator('input[name="numSteps"]').fill(String(stage.numSteps));
  await form.locator('input[name="numWorkers"]').fill(String(stage.numWorkers));
  for (const [name, value] of Object.entries(stage.fields))
    if (name === 'model') await form.locator(`input[value="${value}"]`).check({ force: true });
    else await form.locator(`input[name="${name}"]`).fill(value);
  await form.locator('[data-control="start-run"]').click();
  await page.waitForURL(`**/runs/${stage.name}`);
  await seeStatus(page, /Running|Degraded/);
}

async function watchCurvesMove(page: Page, stage: Stage): Promise<void> {
  await openTab(page, 'Metrics');
  const summary = page.locator('[data-chart="loss"] .chart-summary');
  await passStep(page, 3);
  await expectSoon(
    page,
    () => summary.innerText(),
    (text) => text.startsWith('Loss'),
  );
  const before = await summary.innerText();
  await expectSoon(
    page,
    () => summary.innerText(),
    (text) => text !== before,
  );
  await page.locator('[data-chart="masked_lm_loss"] canvas').waitFor();
  await passStep(page, stage.enoughSteps);
}

async function seeCheckpoint(page: Page, stage: Stage): Promise<void> {
  await openTab(page, 'Checkpoints');
  await page.locator('tr[data-step] .chip', { hasText: 'Complete' }).first().waitFor();
  await passStep(page, stage.enoughSteps + 3);
}

async function killAndSeeNamed(page: Page, stage: Stage): Promise<void> {
  await openTab(page, 'Workers');
  await page.locator('tr[data-worker]').first().waitFor();
  const memberId = await stage.killWorker();
  await page.locator(`.lost [data-worker="${memberId}"]`).waitFor();
}

async function resumeFromOldest(page: Page): Promise<void> {
  await openTab(page, 'Checkpoints');
  const oldest = page.locator('tr[data-step]').last();
  const step = Number(await oldest.getAttribute('data-step'));
  await oldest.locator('[data-control="resume-from"][aria-disabled="false"]').click();
  await page.locator('[data-control="confirm-resume"]').click();
  await seeStatus(page, /Running|Degraded/);
  await passStep(page, step + 3);
  await openTab(page, 'Metrics');
  await page.locator('[data-chart="loss"] .swatch.dashed').first().waitFor();
  await openTab(page, 'Overview');
  await page
    .getByText(`after step ${step.toLocaleString('en-US')} is a branch`)
    .first()
    .waitFor();
  expect(await page.locator('.attempts li').count()).toBeGreaterThan(1);
}

async function openTab(page: Page, name: string): Promise<void> {
  await page.locator('.tabs a', { hasText: name }).click();
}

async function pressAndSee(page: Page, control: string, words: string): Promise<void> {
  await page.locator(`.control-bar [data-control="${control}"][aria-disabled="false"]`).click();
  await page.locator('.toast', { hasText: words }).first().waitFor();
}

async function seeStatus(page: Page, word: string | RegExp): Promise<void> {
  await page.locator('.run-title .chip', { hasText: word }).waitFor();
}

/** A control that cannot work says why, in words. */
async function seeDisabled(page: Page, control: string): Promise<void> {
  const button = page.locator(`.control-bar [data-control="${control}"]`);
  expect(await button.getAttribute('aria-disabled')).toBe('true');
  const id = await button.getAttribute('aria-describedby');
  expect((await page.locator(`[id="${id}"]`).textContent())?.length).toBeGreaterThan(10);
}

async function passStep(page: Page, step: number): Promise<void> {
  const counter = page.locator('.run-bar strong');
  await expectSoon(
    page,
    async () => Number((await counter.innerText()).replaceAll(',', '')),
    (at) => at >= step,
  );
}

/** Asks again until the answer is right. */
export async function expectSoon<T>(
  page: Page,
  ask: () => Promise<T>,
  isRight: (answer: T) => boolean,
  timeoutMs = 60_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let answer = await ask();
  while (!isRight(answer)) {
    if (Date.now() > deadline) throw new Error(`Still ${String(answer)} after ${timeoutMs} ms`);
    await page.waitForTimeout(100);
    answer = await ask();
  }
}
