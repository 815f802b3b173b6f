import { useSignal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { PredictAnswer, PredictionInput } from '@berth/contracts';
import type { FineTuning, FineTuningSection } from '@berth/contracts/constants';
import { api } from '../api/client.ts';
import { Button } from '../components/button.tsx';
import { formatCount } from '../format.ts';
import { AnswerCard } from './answer-card.tsx';
import type { Choosable } from './choose-checkpoint.tsx';
import { PredictionView } from './prediction-view.tsx';
import { Problem } from './problem.tsx';
import { inputOf, type Written } from './question.ts';
import { createTryOut } from './state.ts';

const labels: Readonly<Record<FineTuning['kind'], readonly [string, string | undefined]>> = {
  classify: ['Write a text to be labelled', 'Second text, of a pair'],
  'classify-many': ['Write a text to be labelled', 'Second text, of a pair'],
  regress: ['Write a text', 'Second text, of a pair'],
  tag: ['Write a sentence, with spaces between its words', undefined],
  answer: ['Ask a question', 'The context that the answer is in'],
};
/** As much as the coordinator takes. */
const maxTextLength = 10_000;
const maxContextLength = 100_000;

/** Something in, and what the fine-tuned model says of it; asked again with every new checkpoint. */
export function Predict(props: {
  readonly runId: string;
  readonly task: FineTuningSection;
  readonly newestStep: number;
  readonly bestStep: number | undefined;
}): JSX.Element {
  const { runId, task, newestStep, bestStep } = props;
  const { kind } = task;
  const tryOut = useMemo(
    () =>
      createTryOut<PredictionInput, PredictAnswer>((input, checkpoint) =>
        api.predict(runId, { inputs: [input], checkpoint }),
      ),
    [runId],
  );
  const written = useSignal<Written>({ first: '', second: '' });
  const choice = useSignal<Choosable>(bestStep === undefined ? 'newest' : 'best');
  const [firstLabel, secondLabel] = labels[kind];
  const { isAsking, answered, error } = tryOut.state.value;
  const input = inputOf(kind, written.value);
  const ask = (asked = input): void => {
    if (asked !== undefined) void tryOut.ask(asked, choice.value);
  };
  const write = (patch: Partial<Written>): void => {
    written.value = { ...written.value, ...patch };
  };

  // A new checkpoint may know better.
  const step = choice.value === 'best' ? (bestStep ?? newestStep) : newestStep;
  const askedStep = useRef(step);
  useEffect(() => {
    if (askedStep.current === step) return;
    askedStep.current = step;
    ask(tryOut.state.value.answered?.question);
  }, [step]);

  const [prediction] = answered?.answer.predictions ?? [];
  return (
    <div class="try-it">
      <section class="card">
        <form
          class="predict-form"
          onSubmit={(event) => {
            event.preventDefault();
            ask();
          }}
        >
          <Area
            name="first"
            label={firstLabel}
            rows={kind === 'answer' ? 1 : 3}
            maxLength={maxTextLength}
            value={written.value.first}
            onInput={(first) => write({ first })}
            onSend={() => ask()}
          />
          {secondLabel !== undefined && (
            <Area
              name="second"
              label={
                <>
                  {secondLabel}
                  {kind !== 'answer' && <em class="muted"> if it was trained on pairs</em>}
                </>
              }
              rows={kind === 'answer' ? 6 : 2}
              maxLength={kind === 'answer' ? maxContextLength : maxTextLength}
              value={written.value.second}
              onInput={(second) => write({ second })}
              onSend={() => ask()}
            />
          )}
          <div class="predict-send">
            <Button
              type="submit"
              look="primary"
              name="predict"
              isBusy={isAsking}
              disabledReason={input === undefined ? whyNot(kind, written.value) : undefined}
            >
              {kind === 'answer' ? 'Answer' : 'Predict'}
            </Button>
          </div>
        </form>
      </section>
      {error !== null && <Problem error={error} onAgain={() => ask()} />}
      <AnswerCard
        title="What the model says"
        answeredStep={answered === null || prediction === undefined ? null : answered.answer.step}
        isAsking={isAsking}
        resting={`Nothing asked yet. The model is that of step ${formatCount(step)}.`}
        choice={choice.value}
        isChoiceOffered={bestStep !== undefined && bestStep !== newestStep}
        onChoose={(name) => (choice.value = name)}
      >
        {answered !== null && prediction !== undefined && (
          <div class={isAsking || error !== null ? 'try-masks stale' : 'try-masks'}>
            <PredictionView prediction={prediction} input={answered.question} />
            {answered.answer.numCut > 0 && (
              <p class="muted try-hint">
                It was longer than the model’s examples: what is behind their end was not read.
              </p>
            )}
          </div>
        )}
      </AnswerCard>
    </div>
  );
}

function Area(props: {
  readonly name: string;
  readonly label: ComponentChildren;
  readonly rows: number;
  readonly maxLength: number;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly onSend: () => void;
}): JSX.Element {
  const { name, label, rows, maxLength, value, onInput, onSend } = props;
  return (
    <label class="predict-field">
      <span>{label}</span>
      <textarea
        name={name}
        rows={rows}
        maxLength={maxLength}
        spellcheck={false}
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          onSend();
        }}
      />
    </label>
  );
}

function whyNot(kind: FineTuning['kind'], { first }: Written): string {
  if (kind !== 'answer') return 'Write something first';
  return first.trim() === '' ? 'Ask a question first' : 'Write the context first';
}
