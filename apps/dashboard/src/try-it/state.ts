import { signal, type ReadonlySignal } from '@preact/signals';
import type { CheckpointChoice, FillMaskAnswer } from '@berth/contracts';
import { api, ApiError } from '../api/client.ts';
import { questionOf, type Sentence } from './sentence.ts';

/** What was asked of a model, and what it said. */
export interface Answered {
  readonly sentence: Sentence;
  readonly answer: FillMaskAnswer;
}

interface TryOut {
  readonly isAsking: boolean;
  /** The newest answer; it stays while another is awaited. */
  readonly answered: Answered | null;
  /** Why there is none to the last question. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

const nothing: TryOut = { isAsking: false, answered: null, error: null };
const numCandidates = 8;

/** A person's questions to the models of one run. */
interface TryOuts {
  readonly state: ReadonlySignal<TryOut>;
  /** Asks anew; an answer that comes after a later question is not shown. */
  ask(sentence: Sentence, checkpoint: CheckpointChoice): Promise<void>;
  forget(): void;
}

export function createTryOut(runId: string): TryOuts {
  const state = signal(nothing);
  let newest = 0;
  return {
    state,
    async ask(sentence, checkpoint) {
      const own = ++newest;
      state.value = { ...state.value, isAsking: true };
      const tell = (change: Partial<TryOut>): void => {
        if (own === newest) state.value = { ...state.value, isAsking: false, ...change };
      };
      try {
        const text = questionOf(sentence);
        const answer = await api.fillMask(runId, { text, numCandidates, checkpoint });
        tell({ answered: { sentence, answer }, error: null });
      } catch (error) {
        const isKnown = error instanceof ApiError;
        tell({
          error: {
            code: isKnown ? error.code : 'INTERNAL',
            message: error instanceof Error ? error.message : String(error),
          },
        });
      }
    },
    forget() {
      newest++;
      state.value = nothing;
    },
  };
}
