import type { CorpusConfig, ExampleBatch, ModelPlace } from '@berth/contracts';
import { openModel } from './models/open-model.ts';
import { heldOutExamples } from './questions/held-out.ts';
import { heldOutBatches } from './questions/measure.ts';

/** The batches that the model of a folder is evaluated on, for those who compare it with others. TensorFlow must run in this thread. */
export async function* heldOutBatchesOf(
  place: Extract<ModelPlace, { kind: 'folder' }>,
  corpus: CorpusConfig,
  numExamples: number,
): AsyncGenerator<ExampleBatch> {
  const nowhere = (): never => {
    throw new Error('a folder needs no bucket');
  };
  const model = await openModel(nowhere, place);
  yield* heldOutBatches(
    model.engine.task,
    await heldOutExamples(nowhere, model, { corpus }),
    numExamples,
  );
  model.dispose();
}
