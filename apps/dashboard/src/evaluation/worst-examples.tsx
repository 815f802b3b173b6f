import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { FineTuningReport, Outcome, WorstExample } from '@berth/contracts';
import { Button } from '../components/button.tsx';
import { formatCount, formatPercent, formatTick } from '../format.ts';
import { markAnswer, markWords } from './marked-text.ts';

type Kind = FineTuningReport['kind'];
const firstExamples = 10;

/** The held-out examples that the model was most wrong about. */
export function WorstExamples({ report }: { report: FineTuningReport }): JSX.Element {
  const isAll = useSignal(false);
  const { kind, worst } = report;
  const isAnyWrong = worst.some(({ outcomes }) =>
    outcomes.some(({ predicted, truth }) => predicted !== truth),
  );
  const shown = isAll.value ? worst : worst.slice(0, firstExamples);
  return (
    <section class="card worst-card" aria-label="Worst examples">
      <header class="card-head">
        <h2>{isAnyWrong ? 'Where it is most wrong' : 'Where it is least sure'}</h2>
        <span class="muted">{worst.length === 0 ? '' : 'the worst first'}</span>
      </header>
      {worst.length === 0 ? (
        <p class="muted">Nothing was wrong.</p>
      ) : (
        <ol class="worst">
          {shown.map((one) => (
            <li key={one.example}>
              <Example kind={kind} of={one} />
            </li>
          ))}
        </ol>
      )}
      {worst.length > firstExamples && (
        <Button look="quiet" onClick={() => (isAll.value = !isAll.value)}>
          {isAll.value ? 'Show fewer' : `Show all ${formatCount(worst.length)}`}
        </Button>
      )}
    </section>
  );
}

function Example({ kind, of }: { kind: Kind; of: WorstExample }): JSX.Element {
  const { place, texts, outcomes, numOthers } = of;
  return (
    <article>
      <Texts kind={kind} texts={texts} outcomes={outcomes} />
      <ul class="outcomes">
        {outcomes.map((outcome, i) => (
          <li key={i}>
            <Said kind={kind} outcome={outcome} />
          </li>
        ))}
        {numOthers > 0 && <li class="muted">and {formatCount(numOthers)} more</li>}
      </ul>
      <p class="worst-place muted">
        <code>{place.path}</code> {place.at}
      </p>
    </article>
  );
}

function Texts(props: {
  readonly kind: Kind;
  readonly texts: readonly string[];
  readonly outcomes: readonly Outcome[];
}): JSX.Element {
  const { kind, texts, outcomes } = props;
  const [first = '', second] = texts;
  const [outcome] = outcomes;
  if (kind === 'tag')
    return (
      <p class="worst-text">
        {markWords(first, outcomes).map(({ text, outcome: wrong }, i) => (
          <span key={i}>
            {wrong === undefined ? (
              text
            ) : (
              <mark
                class="bad"
                title={`${sayValue(wrong.predicted)}, in truth ${sayValue(wrong.truth)}`}
              >
                {text}
              </mark>
            )}{' '}
          </span>
        ))}
      </p>
    );
  if (kind === 'answer' && second !== undefined && outcome !== undefined)
    return (
      <>
        <p class="worst-text strong">{first}</p>
        <p class="worst-text">
          {markAnswer(second, outcome).map(({ text, isTruth, isPredicted }, i) =>
            isTruth || isPredicted ? (
              <mark key={i} class={isTruth ? (isPredicted ? 'both' : 'good') : 'bad'}>
                <span class="hidden">{isTruth ? 'truth: ' : 'predicted: '}</span>
                {text}
              </mark>
            ) : (
              text
            ),
          )}
        </p>
      </>
    );
  return (
    <>
      <p class="worst-text">{first}</p>
      {second !== undefined && <p class="worst-text second">{second}</p>}
    </>
  );
}

/** A prediction beside the truth. */
function Said({ kind, outcome }: { kind: Kind; outcome: Outcome }): JSX.Element {
  const { word, predicted, probability, truth } = outcome;
  const chance = probability !== undefined && (
    <span class="muted"> {formatPercent(probability)}</span>
  );
  if (kind === 'classify-many') {
    const label = sayValue(predicted ?? truth);
    const isRight = predicted !== null && truth !== null;
    return (
      <>
        <span class={`said ${isRight ? 'good' : 'bad'}`}>{label}</span>
        {chance}{' '}
        <span class="muted">
          {isRight ? 'right' : predicted === null ? 'not found' : 'is none of its labels'}
        </span>
      </>
    );
  }
  const isRight = predicted === truth;
  return (
    <>
      {word !== undefined && <strong class="outcome-word">{word}</strong>}
      <span class={`said ${isRight ? 'good' : 'bad'}`}>{sayPredicted(kind, predicted)}</span>
      {chance}
      {isRight ? (
        <span class="muted"> right</span>
      ) : (
        <>
          <span class="muted"> in truth </span>
          <span class="said good">{sayTruth(kind, truth)}</span>
        </>
      )}
    </>
  );
}

function sayPredicted(kind: Kind, predicted: Outcome['predicted']): string {
  if (predicted === null) return kind === 'answer' ? 'no answer' : 'not seen';
  return sayValue(predicted);
}

function sayTruth(kind: Kind, truth: Outcome['truth']): string {
  return truth === null && kind === 'answer' ? 'no answer' : sayValue(truth);
}

function sayValue(value: Outcome['truth']): string {
  if (value === null) return 'nothing';
  return typeof value === 'number' ? formatTick(value) : value;
}
