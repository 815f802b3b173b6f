import { signal, type ReadonlySignal } from '@preact/signals';
import type { CheckpointChoice } from '@berth/contracts';
import { ApiError } from '../api/client.ts';

/** What was asked of a model, and what it said. */
export interface Answered<Question, Answer> {
  readonly question: Question;
  readonly answer: Answer;
}

interface TryOut<Question, Answer> {
  readonly isAsking: boolean;
  /** The newest answer; it stays while another is awaited. */
  readonly answered: Answered<Question, Answer> | null;
  /** Why there is none to the last question. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

const nothing = { isAsking: false, answered: null, error: null };

/** A person's questions to the models of one run. */
interface TryOuts<Question, Answer> {
  readonly state: ReadonlySignal<TryOut<Question, Answer>>;
  /** Asks anew; an answer that comes after a later question is not shown. */
  ask(question: Question, checkpoint: CheckpointChoice): Promise<void>;
  forget(): void;
}

export function createTryOut<Question, Answer>(
  send: (question: Question, checkpoint: CheckpointChoice) => Promise<Answer>,
): TryOuts<Question, Answer> {
  const state = signal<TryOut<Question, Answer>>(nothing);
  let newest = 0;
  return {
    state,
    async ask(question, checkpoint) {
      const own = ++newest;
      state.value = { ...state.value, isAsking: true };
      const tell = (change: Partial<TryOut<Question, Answer>>): void => {
        if (own === newest) state.value = { ...state.value, isAsking: false, ...change };
      };
      try {
        const answer = await send(question, checkpoint);
        tell({ answered: { question, answer }, error: null });
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
