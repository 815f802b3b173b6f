import { BerthError, type FilledText } from '@berth/contracts';
import type { Context } from '../context.ts';
import { linesOf } from '../lines-of.ts';
import { withModels } from '../models.ts';

export interface FillMaskOptions {
  readonly top: number;
  readonly best: boolean;
  readonly json: boolean;
}

const textsPerQuestion = 64;

/**
 * `berth fill-mask`: what a model would put in the place of each [MASK] of some texts, which are given as arguments or come one a
 * line on standard input.
 * @throws BerthError `USAGE` without a text, as `withModels`, and what the process that uses the model answers
 */
export async function fillMask(
  context: Context,
  what: string,
  given: readonly string[],
  options: FillMaskOptions,
): Promise<void> {
  if (given.length === 0 && process.stdin.isTTY)
    throw new BerthError(
      'USAGE',
      `Say what to fill in: ${context.berth} fill-mask ${what} "the state of the [MASK]"`,
    );
  await withModels(context, [what], options.best, async ({ places: [model], ask }) => {
    const all: FilledText[] = [];
    let numTexts = 0;
    for await (const texts of inChunks(
      given.length > 0 ? given : linesOf(process.stdin, 'standard input'),
    )) {
      const filled = await ask({
        kind: 'fillMask',
        model: model!,
        texts,
        numCandidates: options.top,
      });
      if (options.json) all.push(...filled.texts);
      else {
        if (numTexts === 0) context.say(filled.where);
        for (const [index, text] of filled.texts.entries())
          context.print(describe(texts[index] ?? '', text));
      }
      numTexts += texts.length;
    }
    if (numTexts === 0)
      throw new BerthError(
        'MODEL_INPUT_INVALID',
        'There is no text: write one with [MASK] where a word is to be filled in',
      );
    if (options.json) context.print(JSON.stringify(all));
  });
}

/** Blank lines are left out. */
async function* inChunks(
  texts: Iterable<string> | AsyncIterable<string>,
): AsyncGenerator<string[]> {
  let chunk: string[] = [];
  for await (const text of texts) {
    if (text.trim() === '') continue;
    chunk.push(text);
    if (chunk.length < textsPerQuestion) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

const barLength = 30;

function describe(text: string, { masks }: FilledText): string {
  const width = Math.max(
    ...masks.flatMap(({ candidates }) => candidates.map(({ token }) => token.length)),
  );
  const blocks = masks.flatMap(({ candidates }, index) => [
    ...(masks.length > 1 ? [`  [MASK] ${index + 1}`] : []),
    ...candidates.map(({ token, probability }) => {
      const percent = (100 * probability).toFixed(1).padStart(5);
      const bar = '█'.repeat(Math.round(barLength * probability));
      return `  ${token.padEnd(width)}  ${percent} %  ${bar}`.trimEnd();
    }),
  ]);
  return [text, ...blocks].join('\n');
}
