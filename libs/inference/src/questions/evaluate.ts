import {
  taskNameOf,
  type CorpusConfig,
  type Estimate,
  type EvaluateResult,
  type ObjectStore,
} from '@berth/contracts';
import { presentTerms, type OpenModel } from '../models/open-model.ts';
import { heldOutExamples } from './held-out.ts';
import { heldOutBatches, measure, metricsOf, ratio, sumsNamed, valueOf } from './measure.ts';
import { pseudoPerplexityOf } from './pseudo-perplexity.ts';

/**
 * A model's metrics on held-out examples: fixed masks, evenly from all documents, with what the baselines of its task reach.
 * @throws BerthError as `heldOutExamples`; `MODEL_UNSUITABLE` when each token is to be masked alone and it predicts none
 */
export async function evaluate(
  store: () => ObjectStore,
  model: OpenModel,
  options: {
    readonly corpus?: CorpusConfig | undefined;
    readonly numExamples: number;
    readonly maxSeqLength?: number | undefined;
    readonly hasPseudoPerplexity: boolean;
  },
): Promise<EvaluateResult> {
  const { task } = model.engine;
  const { numExamples } = options;
  const heldOut = await heldOutExamples(store, model, options);
  const sums = await measure(model, heldOut, numExamples, (batch) => heldOut.baselines.add(batch));
  const metrics: Record<string, Estimate> = {};
  for (const metric of metricsOf(task, [model])) {
    const { standardError } = ratio(sumsNamed(sums, metric.sum), sumsNamed(sums, metric.over.sum));
    metrics[metric.name] = { value: valueOf(task, metric, sums), standardError };
  }
  const term = task.tokenPrediction?.loss;
  const hasTokens = term !== undefined && presentTerms(task, model.source).includes(term);
  return {
    where: model.where,
    task: taskNameOf(model.examples),
    numExamples: sums.length,
    numTokens: sumsNamed(sums, 'numTokens').reduce((a, b) => a + b, 0),
    numDocuments: heldOut.numDocuments,
    maxSeqLength: heldOut.settings.maxSeqLength,
    metrics,
    baselines: Object.fromEntries(
      Object.entries(heldOut.baselines.values()).filter(([name]) =>
        Object.keys(metrics).some((metric) => name.startsWith(metric)),
      ),
    ),
    maskedPerplexity: hasTokens ? Math.exp(metrics[`${term}_loss`]!.value) : null,
    pseudoPerplexity: options.hasPseudoPerplexity
      ? await pseudoPerplexityOf(model, heldOutBatches(task, heldOut, numExamples))
      : null,
  };
}
