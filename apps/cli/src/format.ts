import type { MetricsLine } from '@berth/contracts';

/** 12,345 */
export function formatCount(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** 1 token, 12 tokens */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** 950, 12k, 3.2k, 1.1M */
export function formatShortCount(value: number): string {
  return Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 2 })
    .format(value)
    .replace('K', 'k');
}

/** 42s, 3m, 12h, 3d: the largest unit, rounded */
export function formatShortDuration(durationMs: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
  ] as const;
  const [name, ms] = units.find(([, unitMs]) => durationMs >= 2 * unitMs) ?? ['s', 1_000];
  return `${Math.max(0, Math.round(durationMs / ms))}${name}`;
}

/** 950 B, 12.3 kB, 1.3 GB */
export function formatBytes(sizeBytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, sizeBytes)) / 3));
  const value = sizeBytes / 1_000 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`;
}

/** Columns padded to their widest cell; numbers to the right. */
export function formatTable(rows: readonly (readonly (string | number)[])[]): string {
  const numColumns = Math.max(0, ...rows.map((row) => row.length));
  const text = rows.map((row) =>
    row.map((cell) => (typeof cell === 'number' ? formatCount(cell) : cell)),
  );
  const widths = Array.from({ length: numColumns }, (_, column) =>
    Math.max(0, ...text.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row, index) =>
      row
        .map((cell, column) => {
          const shown = text[index]?.[column] ?? '';
          const width = widths[column] ?? 0;
          return typeof cell === 'number' ? shown.padStart(width) : shown.padEnd(width);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A metric of a line with three decimals; a dash where the line does not say. */
export function fixed(line: MetricsLine, metric: string): string {
  const value = line[metric];
  return typeof value === 'number' ? value.toFixed(3) : '-';
}
