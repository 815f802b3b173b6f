import { expect, it } from 'vitest';
import { progressOfRows, RowsProgress } from './rows-progress.ts';

it('tells how far it is, how fast, and how long it takes yet', () => {
  expect(progressOfRows({ numRows: 2_000, total: 8_000, rowsPerSecond: 310.4 })).toBe(
    '2,000 of 8,000 rows  25%  310 rows/s  ETA 19s',
  );
  expect(progressOfRows({ numRows: 12, total: undefined, rowsPerSecond: 3.14 })).toBe(
    '12 rows  3.1 rows/s',
  );
  expect(progressOfRows({ numRows: 0, total: 5, rowsPerSecond: 0 })).toBe(
    '0 of 5 rows  0%  0.0 rows/s',
  );
});

it('counts speed from the first rows on, and says nothing too often', () => {
  const lines: string[] = [];
  const stream = { isTTY: false, write: (line: string) => lines.push(line) > 0 };
  const progress = new RowsProgress(stream, 1_000);
  progress.show(100, 50_000);
  progress.show(200, 55_000);
  progress.show(300, 60_000);
  progress.end();
  expect(lines).toEqual(['300 of 1,000 rows  30%  20 rows/s  ETA 35s\n']);
});
