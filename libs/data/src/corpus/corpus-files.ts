import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BerthError, type Logger } from '@berth/contracts';
import { parseGlob } from './glob.ts';

/** A file of a corpus. */
export interface CorpusFile {
  readonly path: string;
  /** Relative to the corpus, written with "/": the same wherever the corpus lies. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly format: 'txt' | 'jsonl';
  readonly compression: 'none' | 'gzip' | 'zstd';
}

const supported = '.txt or .jsonl, each plain, .gz or .zst';

/**
 * The files of a corpus sorted by name: one file, all supported files below a folder, or those that match a glob
 * (see {@link parseGlob}). Hidden files and linked folders are left out; other kinds of files too, with a warning.
 *
 * @throws BerthError DATA_CORPUS_NOT_FOUND when the path does not exist, DATA_CORPUS_EMPTY when it has no supported
 * file, DATA_CORPUS_INVALID when something there cannot be read.
 */
export async function findCorpusFiles(path: string, logger: Logger): Promise<CorpusFile[]> {
  const { root, names } = await listNames(path);
  const files: CorpusFile[] = [];
  const skipped: string[] = [];
  for (const name of names.sort()) {
    const filePath = join(root, name);
    const stats = await stat(filePath).catch((error: unknown) => fail(filePath, error));
    if (!stats.isFile()) continue;
    const kind = kindOf(name);
    if (kind === undefined) skipped.push(name);
    else files.push({ path: filePath, name, sizeBytes: stats.size, ...kind });
  }
  const [firstSkipped] = skipped;
  if (files.length === 0) {
    const found = firstSkipped === undefined ? 'nothing' : `only files such as ${firstSkipped}`;
    throw new BerthError(
      'DATA_CORPUS_EMPTY',
      `corpus ${path}: found ${found}: point corpus.path at files named ${supported}`,
      { details: { path } },
    );
  }
  if (firstSkipped !== undefined) {
    logger.warn(`corpus ${path}: left out files that are not ${supported}`, {
      numFiles: skipped.length,
      first: firstSkipped,
    });
  }
  return files;
}

/** The error for a corpus file or folder that the system would not read. */
export function toCorpusError(path: string, error: unknown): BerthError {
  const reason = error instanceof Error ? error.message : String(error);
  const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
  return isMissing
    ? new BerthError(
        'DATA_CORPUS_NOT_FOUND',
        `corpus ${path} does not exist: correct corpus.path (relative paths start at the run's configuration file)`,
        { cause: error, details: { path } },
      )
    : new BerthError(
        'DATA_CORPUS_INVALID',
        `corpus ${path} cannot be read (${reason}): check its permissions, or replace it with an intact copy`,
        { cause: error, details: { path } },
      );
}

function fail(path: string, error: unknown): never {
  throw toCorpusError(path, error);
}

async function listNames(path: string): Promise<{ root: string; names: string[] }> {
  const glob = parseGlob(path);
  const stats = await stat(path).catch((error: unknown) =>
    glob === undefined ? fail(path, error) : undefined,
  );
  if (stats?.isFile()) return { root: dirname(path), names: [basename(path)] };
  const { base, pattern, isDeep } = stats === undefined && glob ? glob : everythingBelow(path);
  const names = await readdir(base, { recursive: isDeep }).catch((error: unknown) =>
    fail(base, error),
  );
  return { root: base, names: names.filter((name) => pattern.test(name)) };
}

function everythingBelow(base: string): { base: string; pattern: RegExp; isDeep: boolean } {
  return { base, pattern: /^(?!\.)(?!.*\/\.)/u, isDeep: true };
}

function kindOf(name: string): Pick<CorpusFile, 'format' | 'compression'> | undefined {
  const match = /\.(?<format>txt|jsonl)(?<suffix>\.gz|\.zst)?$/.exec(name);
  if (match === null) return undefined;
  const { format, suffix } = match.groups ?? {};
  return {
    format: format === 'txt' ? 'txt' : 'jsonl',
    compression: suffix === undefined ? 'none' : suffix === '.gz' ? 'gzip' : 'zstd',
  };
}
