import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { BerthError, type Pooling } from '@berth/contracts';
import type { Context } from '../context.ts';
import { formatCount, plural } from '../format.ts';
import { linesOf } from '../lines-of.ts';
import { withModels } from '../models.ts';
import { openVectors } from '../vectors-file.ts';

export interface EmbedOptions {
  readonly pooling: Pooling;
  readonly normalize: boolean;
  readonly field?: string;
  readonly out?: string;
  readonly best: boolean;
}

/** Enough that texts of like length meet, few enough to hold. */
const textsPerQuestion = 512;

/**
 * `berth embed`: a vector for each text of a file, as they come.
 * @throws BerthError `USAGE`, `MODEL_INPUT_INVALID` for a line that holds no text, as `withModels`, and what the process that uses
 * the model answers
 */
export async function embed(
  context: Context,
  what: string,
  file: string,
  options: EmbedOptions,
): Promise<void> {
  if (file !== '-' && !(await isFile(file)))
    throw new BerthError(
      'USAGE',
      `${file}: cannot be read; give a file of texts, or - for standard input`,
    );
  const input = file === '-' ? process.stdin : createReadStream(file);
  const name = file === '-' ? 'standard input' : file;
  const isJson = options.field !== undefined || file.endsWith('.jsonl');
  await withModels(context, [what], options.best, async ({ places: [model], ask }) => {
    const vectors = await openVectors(options.out, (line) => context.print(line));
    let numCut = 0;
    let numTexts = 0;
    const write = async (texts: readonly string[]): Promise<void> => {
      const result = await ask({
        kind: 'embed',
        model: model!,
        texts: [...texts],
        pooling: options.pooling,
        isNormalized: options.normalize,
      });
      for (const [index, vector] of result.vectors.entries())
        await vectors.add(texts[index] ?? '', vector);
      numCut += result.numCut;
      numTexts += texts.length;
    };
    try {
      let chunk: string[] = [];
      let numLines = 0;
      for await (const line of linesOf(input, name)) {
        numLines += 1;
        chunk.push(isJson ? textOf(line, options.field ?? 'text', `${name}:${numLines}`) : line);
        if (chunk.length < textsPerQuestion) continue;
        await write(chunk);
        chunk = [];
      }
      if (chunk.length > 0) await write(chunk);
      if (numTexts === 0)
        throw new BerthError(
          'MODEL_INPUT_INVALID',
          `${name} has no line, so there is nothing to embed`,
        );
      await vectors.close();
    } catch (error) {
      await vectors.discard();
      throw error;
    }
    const cut = numCut === 0 ? '' : `, ${formatCount(numCut)} cut to what the model takes`;
    context.say(
      `${plural(numTexts, 'text')}${cut}${options.out === undefined ? '' : `, in ${options.out}`}`,
    );
  });
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => !found.isDirectory(),
    () => false,
  );
}

/** The text of a line of JSON. */
function textOf(line: string, field: string, where: string): string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new BerthError(
      'MODEL_INPUT_INVALID',
      `${where}: is no JSON; each line must be an object`,
      { cause },
    );
  }
  const text =
    typeof value === 'object' && value !== null && Object.hasOwn(value, field)
      ? (value as Record<string, unknown>)[field]
      : undefined;
  if (typeof text === 'string') return text;
  throw new BerthError(
    'MODEL_INPUT_INVALID',
    `${where}: has no text at "${field}"; name the field that has it with --field`,
  );
}
