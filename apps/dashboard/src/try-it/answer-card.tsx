import type { ComponentChildren, JSX } from 'preact';
import { formatCount } from '../format.ts';
import { ChooseCheckpoint, type Choosable } from './choose-checkpoint.tsx';

const firstWords =
  'Asking … The first question takes some seconds: a worker loads the model beside its training.';

/** What a model answered, and which checkpoint it was; before the first answer, what is to come. */
export function AnswerCard(props: {
  /** Above it before there is an answer. */
  readonly title: string;
  /** The step of the model that answered; null before that. */
  readonly answeredStep: number | null;
  readonly isAsking: boolean;
  /** While nothing is asked. */
  readonly resting: string;
  readonly choice: Choosable;
  readonly isChoiceOffered: boolean;
  readonly onChoose: (choice: Choosable) => void;
  /** The answer. */
  readonly children: ComponentChildren;
}): JSX.Element {
  const { title, answeredStep, isAsking, resting, choice, isChoiceOffered, onChoose } = props;
  return (
    <section class="card try-answer" aria-live="polite" aria-busy={isAsking}>
      <header class="card-head">
        <h2>{answeredStep === null ? title : `At step ${formatCount(answeredStep)}`}</h2>
        <ChooseCheckpoint choice={choice} isOffered={isChoiceOffered} onChoose={onChoose} />
      </header>
      {answeredStep === null ? (
        <p class="muted try-wait">{isAsking ? firstWords : resting}</p>
      ) : (
        props.children
      )}
    </section>
  );
}
