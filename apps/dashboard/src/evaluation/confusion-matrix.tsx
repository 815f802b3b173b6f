import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { formatCount, plural } from '../format.ts';
import { mostMistaken, sharesOfRows, type Confusion } from './confusions.ts';

const shownMistakes = 5;

/** True classes by predicted ones, as a table with colours: what is right on the diagonal, what is taken for what beside it. */
export function ConfusionMatrix(props: {
  readonly confusion: Confusion;
  readonly labels: readonly string[];
  /** What is counted. */
  readonly unit: 'example' | 'word';
}): JSX.Element {
  const { confusion, labels, unit } = props;
  const isShares = useSignal(false);
  const names = confusion.classes.map((number) => labels[number] ?? String(number));
  const shares = sharesOfRows(confusion);
  const mistakes = mostMistaken(confusion, shownMistakes);
  const isDense = names.length > 8;
  return (
    <section class="card confusion-card" aria-label="Confusion matrix">
      <header class="card-head">
        <h2>What is taken for what</h2>
        <div class="segments small" role="group" aria-label="Cells">
          {[false, true].map((value) => (
            <button
              type="button"
              key={String(value)}
              aria-pressed={isShares.value === value}
              onClick={() => (isShares.value = value)}
            >
              {value ? '% of a row' : 'Counts'}
            </button>
          ))}
        </div>
      </header>
      <div class="confusion-columns">
        <div
          class="table-scroll confusion-scroll"
          tabIndex={0}
          role="region"
          aria-label="Confusion matrix, scrolls"
        >
          <table class={isDense ? 'confusion dense' : 'confusion'}>
            <caption class="hidden">
              Rows are the true classes, columns the predicted ones; an empty cell is 0.
            </caption>
            <thead>
              <tr>
                <td class="confusion-corner" aria-hidden="true">
                  true ↓ predicted →
                </td>
                {names.map((name, column) => (
                  <th scope="col" key={column}>
                    <span title={name}>{name}</span>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {names.map((name, row) => (
                <tr key={row}>
                  <th scope="row" title={name}>
                    {name}
                  </th>
                  {names.map((predicted, column) => {
                    const count = confusion.counts[row]?.[column] ?? 0;
                    const share = shares[row]?.[column] ?? 0;
                    return (
                      <td
                        key={column}
                        class={row === column ? 'right' : 'wrong'}
                        style={{ '--heat': heatOf(share) }}
                        title={`${name}, predicted ${predicted}: ${plural(count, unit)}, ${percentOf(share)} % of ${name}`}
                      >
                        {count === 0 ? '' : isShares.value ? percentOf(share) : formatCount(count)}
                      </td>
                    );
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        <div class="confusion-words">
          {mistakes.length === 0 ? (
            <p>Nothing is taken for anything else.</p>
          ) : (
            <>
              <h3>Most often taken for another</h3>
              <ol>
                {mistakes.map(({ truth, predicted, count, share }) => (
                  <li key={`${truth} ${predicted}`}>
                    <strong>{names[truth]}</strong> for <strong>{names[predicted]}</strong>
                    <span class="sub">
                      {plural(count, unit)}, {percentOf(share)} % of {names[truth]}
                    </span>
                  </li>
                ))}
              </ol>
            </>
          )}
          {confusion.numLeftOut > 0 && (
            <p class="muted">
              {plural(confusion.numLeftOut, unit)} of classes that are rarer are left out.
            </p>
          )}
        </div>
      </div>
    </section>
  );
}

/** Few mistakes are to be seen too. */
function heatOf(share: number): string {
  return share === 0 ? '0%' : `${Math.round(6 + 42 * Math.sqrt(share))}%`;
}

function percentOf(share: number): string {
  const percent = 100 * share;
  return percent > 0 && percent < 1 ? '<1' : percent.toFixed(0);
}
