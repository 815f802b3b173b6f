import type { ShownMetric } from '@berth/contracts/constants';

const count = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat('en-US', {
  notation: 'compact',
  maximumSignificantDigits: 3,
});

/** What is shown where a value is not known. */
export const unknown = '–';

/** A whole number with thousands separated: 100,000. */
export function formatCount(value: number | null | undefined): string {
  return isKnown(value) ? count.format(value) : unknown;
}

/** Three significant digits and a unit letter: 12.4K. */
export function formatCompact(value: number | null | undefined): string {
  return isKnown(value) ? compact.format(value) : unknown;
}

/** A measured number, four significant digits, without losing small or large ones. */
export function formatNumber(value: number | null | undefined): string {
  if (value === null || value === undefined) return unknown;
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '-∞';
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size < 1e-3) return value.toExponential(2).replace('e-', 'e−');
  if (size >= 1e5) return compact.format(value);
  if (size >= 1000) return count.format(value);
  return value.toPrecision(4);
}

/** A number beside an axis: as few digits as it has, four at most. */
export function formatTick(value: number): string {
  const size = Math.abs(value);
  if (size >= 10_000) return compact.format(value);
  if (size !== 0 && size < 1e-3) return value.toExponential().replace('e-', 'e−');
  return String(Number(value.toPrecision(4)));
}

/** A step beside an axis: whole below ten thousand. */
export function formatSteps(step: number): string {
  return step < 10_000 ? count.format(step) : compact.format(step);
}

/** A ratio beside an axis. */
export function formatPercentTick(ratio: number): string {
  return `${Number((ratio * 100).toPrecision(3))}%`;
}

/** A ratio as a percentage with one decimal. */
export function formatPercent(ratio: number | null | undefined): string {
  return isKnown(ratio) ? `${(ratio * 100).toFixed(1)}%` : unknown;
}

/** A value of a metric, as its unit is written. */
export function formatMetric(
  value: number | null | undefined,
  { unit }: Pick<ShownMetric, 'unit'>,
): string {
  return unit === 'ratio' ? formatPercent(value) : formatNumber(value);
}

const binaryUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Bytes in binary units. */
export function formatBytes(bytes: number | null | undefined): string {
  if (!isKnown(bytes)) return unknown;
  const power = Math.min(binaryUnits.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${binaryUnits[power] ?? 'B'}`;
}

/** A span of time with at most two units: 3 h 12 min. */
export function formatDuration(ms: number | null | undefined): string {
  if (!isKnown(ms)) return unknown;
  if (ms === 0) return '0';
  if (ms < 1) return `${Math.max(0, ms).toFixed(2)} ms`;
  if (ms < 1000) return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${seconds.toFixed(0)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return join(minutes, 'min', Math.floor(seconds % 60), 's');
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return join(hours, 'h', minutes % 60, 'min');
  return join(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

/** How long ago, in one unit. */
export function formatAge(ms: number | null | undefined): string {
  if (!isKnown(ms)) return unknown;
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 2) return 'just now';
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** Local time of day. */
export function formatClock(timeMs: number): string {
  const date = new Date(timeMs);
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}

/** Local date and time, to the second. */
export function formatDateTime(timeMs: number): string {
  const date = new Date(timeMs);
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()]
    .map((part) => String(part).padStart(2, '0'))
    .join('-');
  return `${day} ${formatClock(timeMs)}`;
}

/** "1 worker", "4 workers". */
export function plural(value: number, noun: string): string {
  return `${formatCount(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** A reason as a sentence: "it is paused" becomes "It is paused."; names, which have a digit or a hyphen, stay as they are. */
export function asSentence(text: string): string {
  const [first = ''] = text.split(/[\s:,;]/, 1);
  const start = /^[a-z]+$/.test(first) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return start === '' || /[.!?…)]$/.test(start) ? start : `${start}.`;
}

function isKnown(value: number | null | undefined): value is number {
  return value !== null && value !== undefined && Number.isFinite(value);
}

function join(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}
