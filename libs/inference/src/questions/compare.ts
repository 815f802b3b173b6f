import {
  BerthError,
  sha256Hex,
  taskNameOf,
  type CompareResult,
  type CorpusConfig,
  type ObjectStore,
} from '@berth/contracts';
import { serializeVocabulary } from '@berth/data';
import { requireNotFineTuned, type OpenModel } from '../models/open-model.ts';
import { heldOutExamples } from './held-out.ts';
import { measure, metricsOf, ratio, sumsNamed, valueOf } from './measure.ts';

/**
 * Two models on the very same held-out examples: the first one's own, unless a corpus is named. A difference is judged by how it
 * varies from example to example, not by how these vary among themselves.
 * @throws BerthError `MODEL_UNSUITABLE` when they have other vocabularies, or no metric in common; as `heldOutExamples`
 */
export async function compare(
  store: () => ObjectStore,
  [model, other]: readonly [OpenModel, OpenModel],
  options: {
    readonly corpus?: CorpusConfig | undefined;
    readonly numExamples: number;
    readonly maxSeqLength?: number | undefined;
  },
): Promise<CompareResult> {
  for (const one of [model, other]) requireNotFineTuned(one);
  requireSameTokens(model, other);
  const { task } = model.engine;
  const common = metricsOf(task, [model, other]);
  if (common.length === 0)
    throw new BerthError(
      'MODEL_UNSUITABLE',
      `${model.where} and ${other.where} have no part of a head in common to compare them by`,
    );
  const heldOut = await heldOutExamples(store, shorter(model, other), options);
  const sums = await measure(model, heldOut, options.numExamples);
  const others = await measure(other, heldOut, options.numExamples);
  const metrics: CompareResult['metrics'] = {};
  for (const metric of common) {
    const own = sumsNamed(sums, metric.sum);
    const differences = sumsNamed(others, metric.sum).map((value, i) => value - own[i]!);
    const [value, ofOther] = [valueOf(task, metric, sums), valueOf(task, metric, others)];
    metrics[metric.name] = {
      value,
      other: ofOther,
      difference: {
        value: ofOther - value,
        standardError: ratio(differences, sumsNamed(sums, metric.over.sum)).standardError,
      },
    };
  }
  return {
    where: model.where,
    other: other.where,
    task: taskNameOf(model.examples),
    numExamples: sums.length,
    numTokens: sumsNamed(sums, 'numTokens').reduce((a, b) => a + b, 0),
    numDocuments: heldOut.numDocuments,
    maxSeqLength: heldOut.settings.maxSeqLength,
    metrics,
  };
}

/** The first model, with examples that fit the second too. */
function shorter(model: OpenModel, other: OpenModel): OpenModel {
  const maxSeqLength = Math.min(
    model.examples.maxSeqLength,
    model.source.model.maxPositions,
    other.source.model.maxPositions,
  );
  return { ...model, examples: { ...model.examples, maxSeqLength } };
}

/** A loss is one of a token: with other tokens it is another quantity. */
function requireSameTokens(model: OpenModel, other: OpenModel): void {
  const [own, others] = [model, other].map(({ tokenizer, source }) =>
    [sha256Hex(serializeVocabulary(tokenizer.vocabulary)), source.doLowerCase].join(),
  );
  if (own === others) return;
  throw new BerthError(
    'MODEL_UNSUITABLE',
    `${model.where} and ${other.where} cut texts into other tokens, ` +
      'so the loss of a token is not the same quantity: compare their pseudo-perplexity of a word ' +
      'on one corpus (berth eval MODEL --on CORPUS --pseudo-perplexity)',
  );
}
