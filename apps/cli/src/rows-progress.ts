import { formatDuration } from '@berth/launch';
import { formatCount } from './format.ts';

const plainEveryMs = 10_000;
const drawnEveryMs = 200;

/** Shows how far a command is with rows: one redrawn line on a terminal, elsewhere a plain line every ten seconds. */
export class RowsProgress {
  readonly #stream: Pick<NodeJS.WriteStream, 'isTTY' | 'write'>;
  readonly #total: number | undefined;
  #startMs: number | undefined;
  #numBefore = 0;
  #lastShownMs = 0;
  #isDrawn = false;

  /** @param total - undefined where it is not known */
  constructor(stream: Pick<NodeJS.WriteStream, 'isTTY' | 'write'>, total: number | undefined) {
    this.#stream = stream;
    this.#total = total;
  }

  /** Speed is counted from the first call on: what comes before it is mostly the loading of a model. */
  show(numRows: number, nowMs: number): void {
    if (this.#startMs === undefined) {
      [this.#startMs, this.#numBefore, this.#lastShownMs] = [nowMs, numRows, nowMs];
      return;
    }
    const { isTTY } = this.#stream;
    if (nowMs - this.#lastShownMs < (isTTY ? drawnEveryMs : plainEveryMs)) return;
    this.#lastShownMs = nowMs;
    const line = progressOfRows({
      numRows,
      total: this.#total,
      rowsPerSecond: (1_000 * (numRows - this.#numBefore)) / Math.max(1, nowMs - this.#startMs),
    });
    this.#stream.write(isTTY ? `\r\u001B[2K${line}` : `${line}\n`);
    this.#isDrawn = isTTY;
  }

  /** Leaves the terminal on a fresh line. */
  end(): void {
    if (this.#isDrawn) this.#stream.write('\r\u001B[2K');
    this.#isDrawn = false;
  }
}

/** `1,024 of 8,000 rows  12%  310 rows/s  ETA 23s` */
export function progressOfRows({
  numRows,
  total,
  rowsPerSecond,
}: {
  readonly numRows: number;
  readonly total: number | undefined;
  readonly rowsPerSecond: number;
}): string {
  const speed = `${rowsPerSecond < 10 ? rowsPerSecond.toFixed(1) : formatCount(rowsPerSecond)} rows/s`;
  if (total === undefined) return `${formatCount(numRows)} rows  ${speed}`;
  const share = `${Math.floor((100 * numRows) / total)}%`;
  const leftMs = (1_000 * (total - numRows)) / rowsPerSecond;
  const eta = Number.isFinite(leftMs) ? [`ETA ${formatDuration(leftMs)}`] : [];
  return [`${formatCount(numRows)} of ${formatCount(total)} rows`, share, speed, ...eta].join('  ');
}
