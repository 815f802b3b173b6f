import { resolve } from 'node:path';
import {
  baselinesOf,
  runConfigSchema,
  tasks,
  type CorpusConfig,
  type EvaluateResult,
} from '@berth/contracts';
import type { Context } from '../context.ts';
import { formatCount } from '../format.ts';
import { withModels } from '../models.ts';

export interface HeldOutOptions {
  /** A corpus, as a run file names it. */
  readonly on?: string;
  readonly examples: number;
  readonly best: boolean;
  readonly json: boolean;
}

export interface EvalOptions extends HeldOutOptions {
  readonly oneByOne: boolean;
}

/**
 * `berth eval`: a model's metrics on its run's own held-out documents, or on another corpus.
 * @throws BerthError as `withModels`, and what the process that uses the model answers
 */
export async function evaluate(
  context: Context,
  what: string,
  options: EvalOptions,
): Promise<void> {
  await withModels(context, [what], options.best, async ({ places: [model], ask }) => {
    const result = await ask({
      kind: 'evaluate',
      model: model!,
      ...corpusOf(options),
      numExamples: options.examples,
      isOneByOne: options.oneByOne,
    });
    context.print(options.json ? JSON.stringify(result) : describe(result, options.on));
  });
}

/** The corpus that an option names, by the defaults of a run file. */
export function corpusOf({ on }: HeldOutOptions): { readonly corpus?: CorpusConfig } {
  if (on === undefined) return {};
  return { corpus: runConfigSchema.shape.corpus.parse({ path: resolve(on) }) };
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
  const documents = `${formatCount(numDocuments)} ${on === undefined ? 'held-out ' : ''}documents`;
  const where = on === undefined ? '' : ` of ${on}`;
  const examples = `${formatCount(numExamples)} examples of up to ${formatCount(maxSeqLength)} tokens`;
  return `${examples}, evenly from all ${documents}${where}, ${formatCount(numTokens)} tokens`;
}

function describe(result: EvaluateResult, on: string | undefined): string {
  const { task, metrics, baselines, pseudoPerplexity, oneByOne } = result;
  const rows = Object.entries(metrics).map(([name, { value, standardError }]) => {
    const known = baselinesOf(tasks[task], name).flatMap((baseline) => {
      const reached = baselines[baseline.name];
      return reached === undefined ? [] : [`${baseline.label} ${reached.toFixed(3)}`];
    });
    const error = standardError === null ? '' : ` ± ${standardError.toFixed(3)}`;
    const beside = known.length === 0 ? '' : `  (${known.join(', ')})`;
    return [name, `${value.toFixed(3)}${error}${beside}`] as const;
  });
  if (pseudoPerplexity !== null)
    rows.push(['pseudo-perplexity', `${pseudoPerplexity.toFixed(2)}  (e to the masked loss)`]);
  if (oneByOne !== null)
    rows.push([
      'one by one',
      `${oneByOne.pseudoPerplexity.toFixed(2)}  (${formatCount(oneByOne.numTokens)} tokens, each masked alone)`,
    ]);
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return [
    `${result.where}, on ${measuredOn(result, on)}`,
    ...rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`),
  ].join('\n');
}
