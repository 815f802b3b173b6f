import type { ApiInput, ApiOutput, RunStatusReport } from '@berth/contracts';
import { isComplete } from '@berth/checkpoint';
import type { ModelQuestions } from '@berth/queue/jobs';
import { askFound } from './ask-found.ts';
import type { ExportOptions } from './export-checkpoint.ts';
import { findCheckpoint, type FoundCheckpoint, type WantedCheckpoint } from './find-checkpoint.ts';

/** The models of runs as people may ask them; workers answer. */
export interface RunModels {
  fillMask(input: ApiInput<'fillMask'>): Promise<ApiOutput<'fillMask'>>;
  predict(input: ApiInput<'predict'>): Promise<ApiOutput<'predict'>>;
  /** Made by the coordinator itself: it takes the bucket only. */
  exportRun(input: ApiInput<'exportRun'>): Promise<ApiOutput<'exportRun'>>;
  embed(input: ApiInput<'embed'>): Promise<ApiOutput<'embed'>>;
  evaluate(input: ApiInput<'evaluate'>): Promise<ApiOutput<'evaluate'>>;
  compare(input: ApiInput<'compare'>): Promise<ApiOutput<'compare'>>;
}

/** The first question after a while also starts a process and loads the model. */
const shortTimeoutMs = 90_000;
const longTimeoutMs = 300_000;

export function createRunModels({
  store,
  s3,
  logger,
  report,
  questions,
}: ExportOptions & {
  /** @throws BerthError `RUN_NOT_FOUND` */
  readonly report: (runId: string) => Promise<RunStatusReport>;
  readonly questions: ModelQuestions;
}): RunModels {
  const find = async (runId: string, wanted: WantedCheckpoint): Promise<FoundCheckpoint> =>
    findCheckpoint(store, (await report(runId)).run, wanted);
  const isThere = async ({ place }: FoundCheckpoint): Promise<boolean> =>
    place.kind !== 'checkpoint' || isComplete(store, place.manifestKey);
  const withFound = <T>(
    runId: string,
    wanted: WantedCheckpoint,
    ask: (found: FoundCheckpoint) => Promise<T>,
  ): Promise<T> => askFound({ find: () => find(runId, wanted), isThere }, ask);

  return {
    async fillMask({ params, body: { text, numCandidates, checkpoint } }) {
      return withFound(params.runId, checkpoint, async ({ step, place: model }) => {
        const request = { kind: 'fillMask' as const, model, texts: [text], numCandidates };
        const { texts } = await questions.ask(request, { timeoutMs: shortTimeoutMs });
        return { step, ...texts[0]! };
      });
    },
    async predict({ params, body: { checkpoint, inputs } }) {
      return withFound(params.runId, checkpoint, async ({ step, place: model }) => {
        const request = { kind: 'predict' as const, model, inputs };
        const { where: _, ...answer } = await questions.ask(request, { timeoutMs: shortTimeoutMs });
        return { step, ...answer };
      });
    },
    async exportRun({ params: { runId }, body: { checkpoint, for: layout } }) {
      const { step } = await find(runId, checkpoint);
      const { exportIntoBucket } = await import('./export-checkpoint.ts');
      const request = { runId, step, layout };
      const { place, written } = await exportIntoBucket({ store, s3, logger }, request);
      const { files, sizeBytes, sha256, architecture } = written;
      return { step, place, files: [...files], sizeBytes, sha256, architecture };
    },
    async embed({ params, body: { checkpoint, ...body } }) {
      return withFound(params.runId, checkpoint, async ({ step, place: model }) => {
        const request = { kind: 'embed' as const, model, ...body };
        const { where: _, ...answer } = await questions.ask(request, { timeoutMs: shortTimeoutMs });
        return { step, ...answer };
      });
    },
    async evaluate({ params, body: { checkpoint, ...body } }) {
      return withFound(params.runId, checkpoint, async ({ step, place: model }) => {
        const request = { kind: 'evaluate', model, ...body, hasPseudoPerplexity: false } as const;
        const answered = await questions.ask(request, { timeoutMs: longTimeoutMs });
        const { where: _, pseudoPerplexity: __, ...answer } = answered;
        return { step, ...answer };
      });
    },
    async compare({ params, body: { checkpoint, other, ...body } }) {
      const findBoth = () =>
        Promise.all([find(params.runId, checkpoint), find(other.runId, other.checkpoint)]);
      const areThere = async (both: readonly FoundCheckpoint[]): Promise<boolean> =>
        (await Promise.all(both.map(isThere))).every(Boolean);
      return askFound({ find: findBoth, isThere: areThere }, async ([own, others]) => {
        const request = {
          kind: 'compare',
          model: own.place,
          other: others.place,
          ...body,
        } as const;
        const answered = await questions.ask(request, { timeoutMs: longTimeoutMs });
        const { where: _, other: __, ...answer } = answered;
        return { step: own.step, otherStep: others.step, ...answer };
      });
    },
  };
}
