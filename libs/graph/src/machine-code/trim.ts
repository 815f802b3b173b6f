import { readdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** A process that ended without a word leaves its folder; one of another machine or container cannot be asked. */
const abandonedMs = 3_600_000;
const processFolder = /^process-(\d+)-/;

interface Folder {
  readonly path: string;
  /** When its code was used last, or of a process, made. */
  readonly usedMs: number;
  readonly numBytes: number;
}

/**
 * Deletes what was not used for longest until the rest is as small as it has to be, and folders of processes that are gone.
 * @param except - stays
 */
export function trimCode(
  root: string,
  { maxBytes, except }: { readonly maxBytes: number; readonly except: string },
): void {
  for (const kind of foldersIn(root)) removeAbandoned(kind);
  const kept = foldersIn(root)
    .flatMap(foldersIn)
    .map(look)
    .filter(({ path }) => !processFolder.test(basename(path)))
    .toSorted((a, b) => a.usedMs - b.usedMs);
  let numBytes = kept.reduce((sum, folder) => sum + folder.numBytes, 0);
  for (const folder of kept) {
    if (numBytes <= maxBytes) return;
    if (folder.path === except) continue;
    rmSync(folder.path, { recursive: true, force: true });
    removeIfEmpty(dirname(folder.path));
    numBytes -= folder.numBytes;
  }
}

/** Deletes what processes have left that are gone. @param kind - folder of a kind of machine */
export function removeAbandoned(kind: string): void {
  for (const path of foldersIn(kind))
    if (processFolder.test(basename(path)) && isAbandoned(path, look(path).usedMs))
      rmSync(path, { recursive: true, force: true });
}

function isAbandoned(path: string, usedMs: number): boolean {
  const pid = Number(processFolder.exec(basename(path))?.[1] ?? process.pid);
  return pid !== process.pid && Date.now() - usedMs > abandonedMs && !isRunning(pid);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function foldersIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(folder, name));
}

/** Another process may delete beside us. */
function look(path: string): Folder {
  try {
    const sizes = readdirSync(path).map((file) => statSync(join(path, file)).size);
    return {
      path,
      usedMs: statSync(path).mtimeMs,
      numBytes: sizes.reduce((sum, size) => sum + size, 0),
    };
  } catch {
    return { path, usedMs: Date.now(), numBytes: 0 };
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Another kind of graph is kept there.
  }
}
