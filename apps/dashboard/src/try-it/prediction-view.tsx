import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Prediction, PredictionInput } from '@berth/contracts';
import { Button } from '../components/button.tsx';
import { Icon } from '../components/icon.tsx';
import { formatCount, formatNumber, formatPercent } from '../format.ts';
import { cutAnswer, ranked, taggedWords } from './question.ts';

const firstLabels = 8;

/** What a fine-tuned model says of an input, in the form of its kind. */
export function PredictionView(props: {
  readonly prediction: Prediction;
  readonly input: PredictionInput;
}): JSX.Element {
  const { prediction, input } = props;
  if ('label' in prediction)
    return (
      <>
        <p class="prediction">{prediction.label}</p>
        <Probabilities of={prediction.probabilities} chosen={[prediction.label]} />
      </>
    );
  if ('labels' in prediction)
    return (
      <>
        <p class="prediction">
          {prediction.labels.length === 0 ? (
            <span class="muted">none of the labels</span>
          ) : (
            prediction.labels.join(', ')
          )}
        </p>
        <Probabilities of={prediction.probabilities} chosen={prediction.labels} />
      </>
    );
  if ('value' in prediction) return <p class="prediction">{formatNumber(prediction.value)}</p>;
  if ('tags' in prediction) return <Tags of={prediction} />;
  return <Answer of={prediction} context={'context' in input ? input.context : ''} />;
}

function Probabilities(props: {
  readonly of: Readonly<Record<string, number>>;
  readonly chosen: readonly string[];
}): JSX.Element {
  const isAll = useSignal(false);
  const all = ranked(props.of);
  const shown = isAll.value ? all : all.slice(0, firstLabels);
  return (
    <>
      <ol class="try-candidates">
        {shown.map(([label, probability]) => (
          <li key={label}>
            <span class="try-token">
              {label}
              {props.chosen.includes(label) && (
                <>
                  {' '}
                  <Icon name="check" />
                  <span class="hidden">, predicted</span>
                </>
              )}
            </span>
            <span class="try-bar" aria-hidden="true">
              <span style={{ width: `${100 * probability}%` }} />
            </span>
            <span class="number">{formatPercent(probability)}</span>
          </li>
        ))}
      </ol>
      {all.length > firstLabels && (
        <Button look="quiet" onClick={() => (isAll.value = !isAll.value)}>
          {isAll.value ? 'Show fewer' : `Show all ${formatCount(all.length)} labels`}
        </Button>
      )}
    </>
  );
}

function Tags({ of }: { of: Extract<Prediction, { tags: unknown }> }): JSX.Element {
  const words = taggedWords(of);
  const numUnseen = words.filter(({ isSeen }) => !isSeen).length;
  return (
    <>
      <p class="tagged">
        {words.map(({ word, tag, probability, isSeen }, i) => (
          <span key={i}>
            {tag === undefined ? (
              <span class={isSeen ? '' : 'muted'}>{word}</span>
            ) : (
              <mark class="tag" title={`${tag}, ${formatPercent(probability)}`}>
                {word} <small>{tag}</small>
              </mark>
            )}{' '}
          </span>
        ))}
      </p>
      {of.entities !== undefined && (
        <ul class="entities">
          {of.entities.map(({ type, text, start }) => (
            <li key={start}>
              <strong>{text}</strong> <span class="muted">{type}</span>
            </li>
          ))}
          {of.entities.length === 0 && <li class="muted">No entities in it.</li>}
        </ul>
      )}
      {numUnseen > 0 && (
        <p class="muted try-hint">{formatCount(numUnseen)} of the words were not read.</p>
      )}
    </>
  );
}

function Answer(props: {
  readonly of: Extract<Prediction, { answer: unknown }>;
  readonly context: string;
}): JSX.Element {
  const { of, context } = props;
  const { before, answer, after } = cutAnswer(context, of);
  return (
    <>
      <p class="prediction">
        {of.answer === '' ? <span class="muted">no answer in the context</span> : of.answer}{' '}
        <small class="muted">{formatPercent(of.probability)}</small>
      </p>
      <p class="worst-text">
        {before}
        {answer !== '' && <mark class="tag">{answer}</mark>}
        {after}
      </p>
      <p class="muted try-hint">
        That there is no answer: {formatPercent(of.noAnswerProbability)}.
      </p>
    </>
  );
}
