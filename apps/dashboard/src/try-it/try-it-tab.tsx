import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useId, useMemo, useRef } from 'preact/hooks';
import type { FillMaskAnswer, RunStatusReport } from '@berth/contracts';
import { taskOfRun } from '@berth/contracts/constants';
import { api } from '../api/client.ts';
import { Button } from '../components/button.tsx';
import { EmptyState, SkeletonRows } from '../components/parts.tsx';
import { formatCount, plural } from '../format.ts';
import { checkpoints } from '../state/live.ts';
import { Answer } from './answer.tsx';
import { Problem } from './problem.tsx';
import { AnswerCard } from './answer-card.tsx';
import type { Choosable } from './choose-checkpoint.tsx';
import { Predict } from './predict.tsx';
import { questionOf, sentenceOf, toggled, type Sentence } from './sentence.ts';
import { createTryOut } from './state.ts';

const example = 'we will work together for peace in the world';
/** A model has a few hundred tokens at most. */
const maxLength = 2_000;
const numCandidates = 8;

/** What a run's newest or best model says of what a person writes. */
export function TryItTab({ report }: { report: RunStatusReport }): JSX.Element {
  const { runId, config } = report.run;
  const all = checkpoints.value;
  const { task } = config;
  if (task === undefined && taskOfRun(report.run).tokenPrediction === undefined)
    return (
      <EmptyState icon="search" title="Nothing to try here">
        <p>This run learns a task that fills in no words.</p>
      </EmptyState>
    );
  if (all === null) return <SkeletonRows count={3} />;
  const usable = all.filter(({ isAbandoned, validity }) => !isAbandoned && validity === 'complete');
  const [newest] = usable;
  if (newest === undefined)
    return (
      <EmptyState icon="save" title="No checkpoint yet">
        <p>
          The model can be tried once it has been saved: every{' '}
          {plural(config.train.checkpointEverySteps, 'step')}, or now with “Checkpoint now”.
        </p>
      </EmptyState>
    );
  const best = usable.find(({ isBest }) => isBest);
  const asked = { runId, newestStep: newest.step, bestStep: best?.step };
  return task === undefined ? (
    <TryOut key={runId} {...asked} />
  ) : (
    <Predict key={runId} {...asked} task={task} />
  );
}

/** A sentence with a word hidden, and what the model would put there; asked again with every new checkpoint. */
function TryOut(props: {
  readonly runId: string;
  readonly newestStep: number;
  readonly bestStep: number | undefined;
}): JSX.Element {
  const { runId, newestStep, bestStep } = props;
  const tryOut = useMemo(
    () =>
      createTryOut<Sentence, FillMaskAnswer>((asked, checkpoint) =>
        api.fillMask(runId, { text: questionOf(asked), numCandidates, checkpoint }),
      ),
    [runId],
  );
  const text = useSignal('');
  const sentence = useSignal<Sentence>(sentenceOf(''));
  const choice = useSignal<Choosable>('newest');
  const hintId = useId();
  const { isAsking, answered, error } = tryOut.state.value;
  const { words, hidden } = sentence.value;

  const ask = (next: Sentence = sentence.value): void => {
    if (next.hidden.size > 0) void tryOut.ask(next, choice.value);
  };
  const write = (written: string): void => {
    text.value = written;
    sentence.value = sentenceOf(written);
    if (written.trim() === '') tryOut.forget();
  };
  const toggle = (place: number): void => {
    sentence.value = toggled(sentence.value, place);
    ask();
  };

  // A new checkpoint may know better.
  const step = choice.value === 'best' ? bestStep : newestStep;
  const askedStep = useRef(step);
  useEffect(() => {
    if (askedStep.current === step) return;
    askedStep.current = step;
    if (tryOut.state.value.answered !== null) ask(tryOut.state.value.answered.question);
  }, [step]);

  return (
    <div class="try-it">
      <section class="card">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            ask();
          }}
        >
          <label class="try-label" for="try-text">
            Write a sentence, then hide a word
          </label>
          <div class="try-row">
            <input
              id="try-text"
              class="try-text"
              type="text"
              autocomplete="off"
              spellcheck={false}
              maxLength={maxLength}
              placeholder={example}
              aria-describedby={hintId}
              value={text.value}
              onInput={(event) => write(event.currentTarget.value)}
            />
            <Button
              type="submit"
              look="primary"
              name="fill-mask"
              isBusy={isAsking}
              disabledReason={hidden.size === 0 ? whyNot(words.length) : undefined}
            >
              Fill in
            </Button>
          </div>
          <p id={hintId} class="try-hint muted">
            {words.length === 0 ? (
              <>
                Nothing in mind?{' '}
                <button type="button" class="link" onClick={() => startWith(example)}>
                  Take this one
                </button>
                . [MASK] can be written too.
              </>
            ) : (
              'Choose the words that the model is to guess:'
            )}
          </p>
          {words.length > 0 && (
            <div class="try-words" role="group" aria-label="Words to hide">
              {words.map((word, place) => (
                <button
                  type="button"
                  key={`${place} ${word}`}
                  class="try-word"
                  aria-pressed={hidden.has(place)}
                  aria-label={`Hide ${word}`}
                  onClick={() => toggle(place)}
                >
                  {word}
                </button>
              ))}
            </div>
          )}
        </form>
      </section>
      {error !== null && <Problem error={error} onAgain={() => ask()} />}
      <AnswerCard
        title="What the model thinks"
        answeredStep={answered === null ? null : answered.answer.step}
        isAsking={isAsking}
        resting={restingWords(newestStep)}
        choice={choice.value}
        isChoiceOffered={bestStep !== undefined && bestStep !== newestStep}
        onChoose={(name) => (choice.value = name)}
      >
        {answered !== null && <Answer answered={answered} isStale={isAsking || error !== null} />}
      </AnswerCard>
    </div>
  );

  function startWith(given: string): void {
    write(given);
    sentence.value = toggled(sentence.value, given.split(' ').indexOf('peace'));
    ask();
  }
}

function restingWords(step: number): string {
  return `Nothing asked yet. The model is that of step ${formatCount(step)}, and is asked again with every new checkpoint.`;
}

function whyNot(numWords: number): string {
  return numWords === 0 ? 'Write a sentence first' : 'Choose a word to hide first';
}
