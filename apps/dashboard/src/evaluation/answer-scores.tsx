import type { JSX } from 'preact';
import type { FineTuningReport } from '@berth/contracts';
import { formatCount, formatNumber, formatPercent, plural } from '../format.ts';

type Answers = NonNullable<FineTuningReport['answers']>;

/** How questions that have an answer are answered, and those that have none. */
export function AnswerScores({ answers }: { answers: Answers }): JSX.Element {
  const { hasAnswer, noAnswer, best, numIncomplete } = answers;
  const rows = [
    ['With an answer in the context', hasAnswer],
    ['Without an answer', noAnswer],
  ] as const;
  return (
    <section class="card flush" aria-label="Questions">
      <header class="card-head">
        <h2>Questions with and without an answer</h2>
      </header>
      <div class="table-scroll" tabIndex={0} role="region" aria-label="Questions">
        <table class="data cards">
          <thead>
            <tr>
              <th scope="col">Questions</th>
              <th scope="col" class="number">
                Exact match
              </th>
              <th scope="col" class="number">
                F1
              </th>
              <th scope="col" class="number">
                In the data
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(([name, scores]) =>
              scores === undefined ? null : (
                <tr key={name}>
                  <th scope="row" class="full">
                    {name}
                  </th>
                  <td class="number" data-label="Exact match">
                    {formatPercent(scores.exact)}
                  </td>
                  <td class="number" data-label="F1">
                    {formatPercent(scores.f1)}
                  </td>
                  <td class="number" data-label="In the data">
                    {formatCount(scores.total)}
                  </td>
                </tr>
              ),
            )}
          </tbody>
        </table>
      </div>
      {(best !== undefined || numIncomplete > 0) && (
        <div class="card-foot muted">
          {best !== undefined && (
            <p>
              With the best threshold for “no answer” it would reach {formatPercent(best.exact)}{' '}
              exact (at {formatNumber(best.exactThreshold)}) and F1 {formatPercent(best.f1)} (at{' '}
              {formatNumber(best.f1Threshold)}).
            </p>
          )}
          {numIncomplete > 0 && (
            <p>
              {plural(numIncomplete, 'question')} not measured: the evaluation ended between their
              windows.
            </p>
          )}
        </div>
      )}
    </section>
  );
}
