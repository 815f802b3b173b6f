import { createHash } from 'node:crypto';
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import { BerthError, isBerthError, type Logger } from '@berth/contracts';
import type { CodePlace } from './place.ts';
import { trimCode } from './trim.ts';

/** Of all machine code that is kept; that of some hundred graphs. */
const maxBytes = 256 * 2 ** 20;

/** Between an entry's name and the digest of its bytes, in the name of the file that keeps it. */
const mark = '~';

/**
 * Machine code of one graph, kept between processes. XLA takes what it finds as it is: a file that is cut short ends a run, one with
 * another bit runs. So it looks in a folder of this process, into which only what is proven whole is put.
 */
export class KeptCode {
  readonly #own: string;
  readonly #root: string;
  readonly #shared: string;
  readonly #logger: Pick<Logger, 'warn'>;
  /** Entries that were there before, or are kept. */
  readonly #known = new Set<string>();
  readonly #signatures = new Set<string>();

  /** @param graph - names the graph by its content */
  constructor({ root, shared, own }: CodePlace, graph: string, logger: Pick<Logger, 'warn'>) {
    this.#own = own;
    this.#root = root;
    this.#shared = join(shared, graph);
    this.#logger = logger;
  }

  /**
   * Runs a signature, the first run of which compiles: what is kept of it, by other processes meanwhile too, is there before, and
   * what is new is kept afterwards.
   * @throws BerthError `DISK_FULL` where XLA cannot write what it made
   */
  around<T>(signature: string, run: () => T): T {
    if (this.#signatures.has(signature)) return run();
    this.#try(() => this.#fetch());
    const result = this.#explain(run);
    this.#signatures.add(signature);
    this.#try(() => this.#keep());
    return result;
  }

  #fetch(): void {
    mkdirSync(this.#own, { recursive: true, mode: 0o700 });
    for (const name of filesIn(this.#own)) this.#known.add(name);
    const kept = filesIn(this.#shared);
    if (kept.length > 0 && this.#signatures.size === 0) touch(this.#shared);
    const damaged: string[] = [];
    for (const file of kept) {
      const [name = '', digest] = file.split(mark);
      if (digest === undefined || this.#known.has(name)) continue;
      const path = join(this.#shared, file);
      const bytes = unlessGone(() => readFileSync(path));
      if (bytes === undefined) continue;
      if (digest === digestOf(bytes)) {
        unlessGone(() => putInPlace(path, join(this.#own, name)));
        this.#known.add(name);
        continue;
      }
      damaged.push(file);
      rmSync(path, { force: true });
    }
    if (damaged.length > 0)
      this.#logger.warn(
        `Kept machine code was damaged, and is compiled again: ${damaged.length} of ${kept.length} files`,
        { folder: this.#shared, files: damaged },
      );
  }

  #keep(): void {
    const made = filesIn(this.#own).filter(
      (name) => name.endsWith('.pb') && !this.#known.has(name),
    );
    if (made.length === 0) return;
    mkdirSync(this.#shared, { recursive: true, mode: 0o700 });
    const kept = new Set(filesIn(this.#shared).map(entryOf));
    for (const name of made) {
      this.#known.add(name);
      const path = join(this.#own, name);
      if (kept.has(name)) continue;
      putInPlace(path, join(this.#shared, `${name}${mark}${digestOf(readFileSync(path))}`));
    }
    for (const file of surplus(filesIn(this.#shared)))
      rmSync(join(this.#shared, file), { force: true });
    trimCode(this.#root, { maxBytes, except: this.#shared });
  }

  /** Without what is kept everything takes longer, and is the same. */
  #try(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#logger.warn('Machine code is neither kept nor found', {
        folder: this.#shared,
        error: error instanceof Error ? error.message : String(error),
      });
    }
  }

  #explain<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      if (!isBerthError(error) || !error.message.includes(this.#own)) throw error;
      throw new BerthError(
        'DISK_FULL',
        `XLA cannot keep what it compiles in ${this.#root}; free some space there, or keep nothing: BERTH_XLA_CACHE=off`,
        { cause: error },
      );
    }
  }
}

/**
 * What XLA makes of one entry differs from process to process, in the order of its parts, and two may keep theirs at once. Each looks after it
 * has put its own, so the later sees both, and all choose alike.
 * @returns all but one file of each entry
 */
function surplus(files: readonly string[]): string[] {
  const sorted = files.toSorted();
  return sorted.filter((file, i) => i > 0 && entryOf(sorted[i - 1]!) === entryOf(file));
}

function entryOf(file: string): string {
  return file.split(mark, 1)[0]!;
}

/** Names of what is in a folder; none where there is none. */
function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** @returns what is read; undefined where another process has deleted the file, as it keeps another of the same entry */
function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The same bytes under another name, all of them or none, unless there is such a file. */
function putInPlace(path: string, target: string): void {
  try {
    linkSync(path, target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EMLINK' && code !== 'EXDEV')
      throw error;
    const temporary = `${target}.${process.pid}`;
    copyFileSync(path, temporary);
    renameSync(temporary, target);
  }
}

function touch(folder: string): void {
  const now = new Date();
  utimesSync(folder, now, now);
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 32);
}
