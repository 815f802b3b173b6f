import {
  BerthError,
  type InferenceRequest,
  type InferenceResult,
  type ObjectStore,
} from '@berth/contracts';
import { ModelShelf } from './models/model-shelf.ts';
import { compare } from './questions/compare.ts';
import { embed } from './questions/embed.ts';
import { evaluate } from './questions/evaluate.ts';
import { evaluateRows } from './questions/evaluate-rows.ts';
import { fillMask } from './questions/fill-mask.ts';
import { predict } from './questions/predict.ts';

/** Answers what is asked of trained models; TensorFlow must run in this thread. */
export class Answerer {
  readonly #store: () => ObjectStore;
  readonly #shelf: ModelShelf;

  /** @param store - where checkpoints are; undefined where only folders are asked for */
  constructor(store: ObjectStore | undefined) {
    this.#store = () => {
      if (store !== undefined) return store;
      throw new BerthError('CONFIG_INVALID', 'There is no bucket here; name a folder');
    };
    this.#shelf = new ModelShelf(this.#store);
  }

  /** @throws BerthError `MODEL_INPUT_INVALID`, `MODEL_UNSUITABLE`, and what opening a model or a corpus throws */
  async answer(request: InferenceRequest): Promise<InferenceResult> {
    const model = await this.#shelf.get(request.model);
    switch (request.kind) {
      case 'describe':
        return {
          where: model.where,
          fineTuning: model.source.fineTuning ?? null,
          columns: model.reading.columns,
        };
      case 'predict':
        return predict(model, request.inputs, request);
      case 'fillMask':
        return fillMask(model, request.texts, request.numCandidates);
      case 'embed':
        return embed(model, request.texts, request);
      case 'evaluate':
        return evaluate(this.#store, model, request);
      case 'evaluateRows':
        return evaluateRows(this.#store, model, request);
      case 'compare':
        return compare(this.#store, [model, await this.#shelf.get(request.other)], request);
    }
  }
}
