import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GridReport } from '@berth/contracts';
import { temporaryFolder } from '@berth/testing';
import { expect, it } from 'vitest';
import { berth } from './testing/berth-process.ts';
import { tinyGrid } from './testing/tiny-grid.ts';

it('a grid is trained to its end though one of its runs fails, and told of', async () => {
  const { path: folder } = await temporaryFolder();
  const file = join(folder, 'grid.json');
  const grid = { 'optimizer.learningRate': [1e30, 1e-2], seed: [1] };
  const train = { numSteps: 6, evalEverySteps: 3, checkpointEverySteps: 3 };
  writeFileSync(file, JSON.stringify(tinyGrid(folder, 'g', grid, train)));
  const { exitCode, stdout, stderr } = await berth(['finetune', file], { folder });
  expect(exitCode).toBe(1);
  expect(stderr).toContain('g-1 (1 of 2): optimizer.learningRate 1e+30, seed 1\n');
  expect(stderr).toMatch(/g-2 \(2 of 2\): completed, classify_accuracy [\d.]+, held-out loss/);
  expect(stderr).toContain('error: 1 of 2 runs of g failed: g-1; the first said: ');
  expect(stdout).toMatch(/^g: 1 of 2 runs completed/);
  expect(stdout).toMatch(/\ng-1 +1e\+30 +1 +failed/);
  expect(stdout).toMatch(/\ng-2 +0\.01 +1 +completed +6\/6 .*<- best run\n/);
  expect(stdout).toMatch(
    /next:\n {2}(npx )?berth resume g .*\n {2}(npx )?berth export g-2@\d --to g-2-bert\n/,
  );

  const listed = await berth(['grid', 'g', '--json'], { folder });
  const report = JSON.parse(listed.stdout) as GridReport;
  expect(report).toMatchObject({ isOver: true, numCompleted: 1, bestPoint: 2 });
  expect(report.points.map(({ status }) => status)).toEqual(['failed', 'completed']);
  const removed = await berth(['rm', 'g', '--yes'], { folder });
  expect(removed.stdout).toBe('the 2 runs of g have been removed\n');
});
