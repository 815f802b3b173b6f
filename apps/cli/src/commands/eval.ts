import { resolve } from 'node:path';
import {
  BerthError,
  baselinesOf,
  runConfigSchema,
  tasks,
  type CorpusConfig,
  type EvaluateResult,
} from '@berth/contracts';
import type { Context } from '../context.ts';
import { formatCount, plural } from '../format.ts';
import { withModels } from '../models.ts';
import { describeRows, rowsOf, type ColumnOptions } from '../rows-report.ts';

export interface HeldOutOptions {
  /** A corpus, as a run file names it. */
  readonly on?: string;
  /** At most. @defaultValue 512 */
  readonly examples?: number;
  /** Tokens of an example at most. */
  readonly seqLength?: number;
  readonly best: boolean;
  readonly json: boolean;
}

export interface EvalOptions extends HeldOutOptions, ColumnOptions {
  readonly pseudoPerplexity: boolean;
}

const defaultExamples = 512;

/**
 * `berth eval`: a model's metrics on its run's own held-out documents, or on another corpus; of one that is fine-tuned on rows with
 * labels.
 * @throws BerthError as `withModels`, and what the process that uses the model answers
 */
export async function evaluate(
  context: Context,
  what: string,
  options: EvalOptions,
): Promise<void> {
  await withModels(context, [what], options.best, async ({ places: [model], ask }) => {
    const { fineTuning } = await ask({ kind: 'describe', model: model! });
    if (fineTuning !== null) {
      const result = await ask({ kind: 'evaluateRows', model: model!, ...rowsOf(options) });
      context.print(options.json ? JSON.stringify(result) : describeRows(result, options.on));
      return;
    }
    if (options.pseudoPerplexity)
      process.stderr.write(
        `masking each token of up to ${formatCount(options.examples ?? defaultExamples)} examples alone, which takes long; --examples N takes fewer\n`,
      );
    const result = await ask({
      kind: 'evaluate',
      model: model!,
      ...heldOutOf(options),
      hasPseudoPerplexity: options.pseudoPerplexity,
    });
    context.print(options.json ? JSON.stringify(result) : describe(result, options.on));
  });
}

/**
 * What the options ask models to be measured on; a corpus is read by the defaults of a run file.
 * @throws BerthError `USAGE` for a corpus without a name
 */
export function heldOutOf({ on, examples, seqLength }: HeldOutOptions): {
  readonly corpus?: CorpusConfig;
  readonly numExamples: number;
  readonly maxSeqLength?: number;
} {
  if (on?.trim() === '')
    throw new BerthError('USAGE', '--on is empty: name text files, a folder or a glob');
  return {
    numExamples: examples ?? defaultExamples,
    ...(on !== undefined && {
      corpus: runConfigSchema.shape.corpus.unwrap().parse({ path: resolve(on) }),
    }),
    ...(seqLength !== undefined && { maxSeqLength: seqLength }),
  };
}

/** `886 examples of up to 24 tokens, evenly from all 7 held-out documents, 14,176 tokens` */
export function measuredOn(
  {
    numExamples,
    numDocuments,
    numTokens,
    maxSeqLength,
  }: Pick<EvaluateResult, 'numExamples' | 'numDocuments' | 'numTokens' | 'maxSeqLength'>,
  on: string | undefined,
): string {
  const documents = plural(numDocuments, on === undefined ? 'held-out document' : 'document');
  const share = numExamples < numDocuments ? 'spread over' : 'evenly from all';
  const from = numDocuments === 1 ? `from ${documents}` : `${share} ${documents}`;
  const where = on === undefined ? '' : ` of ${on}`;
  const examples = `${plural(numExamples, 'example')} of up to ${formatCount(maxSeqLength)} tokens`;
  return `${examples}, ${from}${where}, ${plural(numTokens, 'token')}`;
}

/** Decimals only where they tell something. */
function formatPerplexity(value: number): string {
  return value < 100 ? value.toFixed(2) : formatCount(Math.round(value));
}

function describe(result: EvaluateResult, on: string | undefined): string {
  const { task, metrics, baselines, maskedPerplexity, pseudoPerplexity } = result;
  const rows = Object.entries(metrics).map(([name, { value, standardError }]) => {
    const known = baselinesOf(tasks[task], name).flatMap((baseline) => {
      const reached = baselines[baseline.name];
      return reached === undefined ? [] : [`${baseline.label} ${reached.toFixed(3)}`];
    });
    const error = standardError === null ? '' : ` ± ${standardError.toFixed(3)}`;
    const beside = known.length === 0 ? '' : `  (${known.join(', ')})`;
    return [name, `${value.toFixed(3)}${error}${beside}`] as const;
  });
  if (maskedPerplexity !== null)
    rows.push([
      'masked perplexity',
      `${formatPerplexity(maskedPerplexity)}  (e to the masked loss)`,
    ]);
  if (pseudoPerplexity !== null) {
    const { perToken, perWord, numTokens, numWords } = pseudoPerplexity;
    rows.push([
      'pseudo-perplexity',
      `${formatPerplexity(perToken)}  (each of ${plural(numTokens, 'token')} masked alone)`,
    ]);
    rows.push([
      '  of a word',
      `${formatPerplexity(perWord)}  (${plural(numWords, 'word')}; for models of any vocabulary)`,
    ]);
  }
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return [
    `${result.where}, on ${measuredOn(result, on)}`,
    ...rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`),
  ].join('\n');
}
