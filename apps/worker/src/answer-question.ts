import {
  BerthError,
  type InferenceRequest,
  type InferenceResult,
  type ModelPlace,
} from '@berth/contracts';
import type { InferenceProcess } from '@berth/inference/client';

/** Whoever asked has given up long before. */
const timeoutMs = 600_000;

/**
 * Answers a question of the queue in the process that uses models. Those who may ask there may not read this machine's files.
 * @throws BerthError `REQUEST_REFUSED` for a question about files, and what the process throws
 */
export function answerQuestion(
  models: Pick<InferenceProcess, 'ask'>,
  request: InferenceRequest,
  signal: AbortSignal,
): Promise<InferenceResult> {
  const places: ModelPlace[] = [request.model];
  if (request.kind === 'compare') places.push(request.other);
  const hasCorpus = 'corpus' in request && request.corpus !== undefined;
  const hasFile = 'path' in request && request.path !== undefined;
  if (hasCorpus || hasFile || places.some(({ kind }) => kind !== 'checkpoint'))
    throw new BerthError(
      'REQUEST_REFUSED',
      'A worker reads models and documents of the bucket only: use the berth command for files of this machine',
    );
  return models.ask(request, { timeoutMs, signal });
}
