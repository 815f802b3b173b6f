import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, realpathSync, rmSync, statfsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { formatBytes, type Logger } from '@berth/contracts';
import { addonFile } from '../addon.ts';
import { ownIsaLevel } from '../isa-levels.ts';
import { removeAbandoned } from './trim.ts';

/** Where machine code is kept, and where XLA looks for it. */
export interface CodePlace {
  /** Of all kinds of machines. */
  readonly root: string;
  /** What processes share that compile alike, by graph. */
  readonly shared: string;
  /** This process's own: XLA reads and writes nothing else. */
  readonly own: string;
}

/** XLA cannot do without the space once it was told to keep what it makes: where a disk is as full as this, nothing is kept. */
const leastFreeBytes = 64 * 2 ** 20;

const flag = '--tf_xla_persistent_cache_directory=';
/** What it keeps for GPUs is not known to give the same bits. */
const onlyOfProcessors = ' --tf_xla_persistent_cache_device_types=CPU';

/** By this process. */
let chosen: CodePlace | undefined;
const toRemove = new Set<string>();

/**
 * Where this process keeps machine code: in the folder that BERTH_XLA_CACHE names, or in the user's cache. In a worker thread it is
 * what the main thread has chosen. Whatever is in the way is told in a line, and nothing is kept then.
 * @returns undefined where nothing is kept
 */
export function codePlace(numThreads: number, logger: Pick<Logger, 'warn'>): CodePlace | undefined {
  const named = process.env['BERTH_XLA_CACHE'] ?? '';
  const addon = addonFile();
  if (named === 'off' || addon === undefined) return undefined;
  const root = named === '' ? join(homedir(), '.cache', 'berth', 'machine-code') : resolve(named);
  const shared = join(root, machineKind(addon, numThreads));
  const flags = process.env['TF_XLA_FLAGS'] ?? '';
  if (!isMainThread) {
    const own = ownIn(flags);
    return own !== undefined && dirname(own) === shared ? { root, shared, own } : undefined;
  }
  if (chosen?.shared === shared && codeFlags(chosen) === flags) return chosen;
  // Not by its number alone: another container's process may have the same.
  const own = join(shared, `process-${process.pid}-${randomBytes(4).toString('hex')}`);
  const trouble = troubleWith({ root, shared, own });
  if (trouble !== undefined) {
    logger.warn(`What XLA compiles is not kept, so that starts take longer: ${trouble}`);
    return undefined;
  }
  if (toRemove.size === 0)
    process.once('exit', () => {
      for (const folder of toRemove) rmSync(folder, { recursive: true, force: true });
    });
  toRemove.add(own);
  chosen = { root, shared, own };
  return chosen;
}

/** The value of TF_XLA_FLAGS that makes XLA use a place. */
export function codeFlags({ own }: CodePlace): string {
  return `${flag}${own}${onlyOfProcessors}`;
}

/** Whether a value of TF_XLA_FLAGS does no more than that, for this process or the one that started it. */
export function isCodeFlags(value: string): boolean {
  return ownIn(value) !== undefined;
}

function ownIn(flags: string): string | undefined {
  if (!flags.startsWith(flag) || !flags.endsWith(onlyOfProcessors)) return undefined;
  const own = flags.slice(flag.length, -onlyOfProcessors.length);
  return /\/process-\d+-[0-9a-f]+$/.test(own) ? own : undefined;
}

/** What lets machine code differ: the TensorFlow that makes it, the processor, the level that it is kept to, and the threads. */
function machineKind(addon: string, numThreads: number): string {
  const cpu = readFileSync('/proc/cpuinfo', 'utf8').split('\n\n', 1)[0] ?? '';
  const lines = cpu
    .split('\n')
    .filter((line) => /^(vendor_id|cpu family|model|model name|stepping|flags)\s*:/.test(line));
  const digest = createHash('sha256')
    // Setup names the folder of the addon by its sources and the TensorFlow that it is built for.
    .update(JSON.stringify([basename(dirname(realpathSync(addon))), lines]))
    .digest('hex');
  return `${ownIsaLevel()}-${numThreads}-${digest.slice(0, 16)}`;
}

function troubleWith({ root, shared, own }: CodePlace): string | undefined {
  // Flags are cut at spaces.
  if (/\s/.test(own)) return `${root} has a space in its name; name another: BERTH_XLA_CACHE`;
  try {
    mkdirSync(own, { recursive: true, mode: 0o700 });
    // Whoever may write there decides what this process runs.
    const { uid } = statSync(root);
    if (uid !== process.getuid?.()) return `${root} belongs to another user`;
    const { bavail, bsize } = statfsSync(own);
    const freeBytes = bavail * bsize;
    removeAbandoned(shared);
    if (freeBytes < leastFreeBytes)
      return `${formatBytes(freeBytes)} are free on the disk of ${root}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return undefined;
}
