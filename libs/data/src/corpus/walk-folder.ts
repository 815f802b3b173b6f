import { isUtf8 } from 'node:buffer';
import { accessSync, constants, statSync, type Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { giveTurn, isTurnDue } from '../text/work.ts';

/** A regular file that can be read. */
export interface FoundFile {
  /** Relative to where the walk began, written with "/". */
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
  /** Of its bytes: the time of its last change, in ms since 1970, or an ETag. */
  readonly version: string;
  readonly isLink: boolean;
  /** Without links on the way. */
  readonly realPath: string;
}

/** An entry that is no file, or cannot be looked at. */
export interface UnreadEntry {
  readonly name: string;
  /** For people. */
  readonly reason: string;
  /** A folder, or a link to one: there may be files below it. */
  readonly isFolder: boolean;
}

export interface Walk {
  readonly files: FoundFile[];
  readonly leftOut: UnreadEntry[];
}

export interface WalkOptions {
  readonly isDeep: boolean;
  /** Whether to look at hidden entries. */
  readonly seesHidden: boolean;
}

/**
 * Lists what is in a folder. Links to files are followed, links to folders are not, so every walk ends. An entry that cannot be looked at is left out.
 *
 * @throws what the system says when the folder itself cannot be read
 */
export async function walkFolder(base: string, options: WalkOptions): Promise<Walk> {
  const walk: Walk = { files: [], leftOut: [] };
  const realBase = await realpath(base);
  const folders = [''];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    let entries: Dirent<Buffer>[];
    try {
      entries = await readdir(join(base, folder), { withFileTypes: true, encoding: 'buffer' });
    } catch (error) {
      if (folder === '') throw error;
      walk.leftOut.push({ name: folder, reason: unreadable(error), isFolder: true });
      continue;
    }
    for (const entry of entries) {
      const isFolder = entry.isDirectory();
      if (isFolder && !options.isDeep) continue;
      const name = folder === '' ? entry.name.toString() : `${folder}/${entry.name.toString()}`;
      const reason = reasonAgainst(entry, options);
      if (reason !== undefined) walk.leftOut.push({ name, reason, isFolder });
      else if (isFolder) folders.push(name);
      else if (entry.isSymbolicLink()) await addLink(walk, base, name);
      else addFile(walk, { name, path: join(base, name), realPath: join(realBase, name) });
      if (isTurnDue()) await giveTurn();
    }
  }
  return walk;
}

function reasonAgainst(entry: Dirent<Buffer>, { seesHidden }: WalkOptions): string | undefined {
  if (!isUtf8(entry.name)) return 'its name is not UTF-8';
  if (!seesHidden && entry.name.toString().startsWith('.')) return 'hidden';
  const isKnown = entry.isDirectory() || entry.isFile() || entry.isSymbolicLink();
  return isKnown ? undefined : 'no regular file';
}

async function addLink(walk: Walk, base: string, name: string): Promise<void> {
  const path = join(base, name);
  const leaveOut = (reason: string, isFolder = false): unknown =>
    walk.leftOut.push({ name, reason, isFolder });
  try {
    const stats = await stat(path);
    if (stats.isDirectory()) leaveOut('a link to a folder', true);
    else if (!stats.isFile()) leaveOut('no regular file');
    else addFile(walk, { name, path, realPath: await realpath(path) }, true);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') leaveOut('a link to nothing');
    else leaveOut(code === 'ELOOP' ? 'a link to itself' : unreadable(error));
  }
}

function addFile(
  walk: Walk,
  file: Pick<FoundFile, 'name' | 'path' | 'realPath'>,
  isLink = false,
): void {
  try {
    // At once: to wait for each call takes many times as long as the call.
    accessSync(file.path, constants.R_OK);
    const { size: sizeBytes, mtimeMs } = statSync(file.path);
    walk.files.push({ ...file, isLink, sizeBytes, version: String(mtimeMs) });
  } catch (error) {
    walk.leftOut.push({ name: file.name, reason: unreadable(error), isFolder: false });
  }
}

function unreadable(error: unknown): string {
  return `cannot be read (${codeOf(error)})`;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
