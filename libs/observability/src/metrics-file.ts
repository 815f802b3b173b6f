import { mkdir, open, readFile, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BerthError, metricsLineSchema, type MetricsLine } from '@berth/contracts';

/** A run's `metrics.jsonl`: one JSON object a line, only ever appended to. */
export interface MetricsFile {
  append(line: MetricsLine): Promise<void>;
  close(): Promise<void>;
}

/** Opens the file for appending; a last line that a crash left unfinished is cut off. */
export async function createMetricsFile(path: string): Promise<MetricsFile> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'a+');
  await cutTornLine(file);
  let written: Promise<unknown> = Promise.resolve();
  return {
    append(line) {
      // One after the other, whoever calls; a failed write is its caller's to handle, not the next one's.
      const write = written.then(() => file.appendFile(`${JSON.stringify(line)}\n`));
      written = write.catch(() => undefined);
      return write;
    },
    async close() {
      await written;
      await file.close();
    },
  };
}

/**
 * Reads a `metrics.jsonl`, leaving out an unfinished last line.
 * @throws BerthError `INTERNAL` naming the first line that is no metrics line
 */
export async function readMetricsFile(path: string): Promise<MetricsLine[]> {
  const text = await readFile(path, 'utf8');
  const complete = text.slice(0, text.lastIndexOf('\n') + 1);
  return complete
    .split('\n')
    .slice(0, -1)
    .map((line, index) => parseLine(line, `${path}:${index + 1}`));
}

function parseLine(text: string, where: string): MetricsLine {
  try {
    return metricsLineSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new BerthError('INTERNAL', `${where}: not a metrics line; delete it to read the rest`, {
      cause,
    });
  }
}

async function cutTornLine(file: FileHandle): Promise<void> {
  const { size } = await file.stat();
  const chunk = Buffer.alloc(64 * 1024);
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - chunk.length);
    const { bytesRead } = await file.read(chunk, 0, end - start, start);
    const newline = chunk.subarray(0, bytesRead).lastIndexOf('\n');
    if (newline >= 0) return file.truncate(start + newline + 1);
    end = start;
  }
  await file.truncate(0);
}
