import type { Columns } from './columns.ts';
import type { Line } from './lines.ts';

/** A chart's values as comma-separated text with a header; empty where a line has no point. */
export function toCsv(xName: string, lines: readonly Line[], columns: Columns): string {
  const headers = lines.flatMap(({ key, band }) =>
    band === undefined ? [key] : [key, `${key}_min`, `${key}_max`],
  );
  const values = columns.ofLine.flatMap(({ y, min, max }) =>
    min === undefined || max === undefined ? [y] : [y, min, max],
  );
  const rows = columns.x.map((x, i) => [x, ...values.map((column) => column[i] ?? '')].join(','));
  return `${[[xName, ...headers].join(','), ...rows].join('\n')}\n`;
}

/** Hands text to the browser as a file. */
export function download(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
