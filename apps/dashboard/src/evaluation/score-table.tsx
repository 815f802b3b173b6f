import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { FineTuningReport } from '@berth/contracts';
import { Button } from '../components/button.tsx';
import { Icon } from '../components/icon.tsx';
import { formatCount, formatPercent, plural } from '../format.ts';

type Scores = NonNullable<FineTuningReport['scores']>;
type Row = Scores['rows'][number];

const titles = { class: 'By class', entity: 'By entity', tag: 'By tag' } as const;
const columns = [
  { key: 'precision', label: 'Precision' },
  { key: 'recall', label: 'Recall' },
  { key: 'f1', label: 'F1' },
  { key: 'support', label: 'In the data' },
] as const satisfies readonly { key: keyof Row; label: string }[];
type Key = (typeof columns)[number]['key'];
const firstRows = 20;

/** How well each class, entity or tag is found; sorted by a column on request. */
export function ScoreTable({ scores }: { scores: Scores }): JSX.Element {
  const order = useSignal<{ key: Key; isRising: boolean } | null>(null);
  const isAll = useSignal(false);
  const rows = sorted(scores.rows, order.value);
  const shown = isAll.value ? rows : rows.slice(0, firstRows);
  const sortBy = (key: Key): void => {
    const { value } = order;
    const isRising = value?.key === key ? !value.isRising : true;
    order.value = { key, isRising };
  };
  return (
    <section class="card flush" aria-label={titles[scores.of]}>
      <header class="card-head">
        <h2>{titles[scores.of]}</h2>
        <span class="muted">
          {formatCount(scores.rows.length)} {nounOf(scores)}
          {scores.numLeftOut > 0 && `, ${formatCount(scores.numLeftOut)} rarer ones left out`}
        </span>
      </header>
      <div class="table-scroll" tabIndex={0} role="region" aria-label={titles[scores.of]}>
        <table class="data cards scores">
          <thead>
            <tr>
              <th scope="col">{scores.of === 'class' ? 'Class' : capital(scores.of)}</th>
              {columns.map(({ key, label }) => (
                <th
                  scope="col"
                  key={key}
                  class="number"
                  aria-sort={
                    order.value?.key === key
                      ? order.value.isRising
                        ? 'ascending'
                        : 'descending'
                      : 'none'
                  }
                >
                  <button type="button" class="sort" onClick={() => sortBy(key)}>
                    {label}
                    <Icon name="sort" />
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr key={row.label}>
                <th scope="row" class="full">
                  {row.label}
                </th>
                {(['precision', 'recall'] as const).map((key) => (
                  <td
                    key={key}
                    class="number"
                    data-label={key === 'recall' ? 'Recall' : 'Precision'}
                  >
                    {formatPercent(row[key])}
                  </td>
                ))}
                <td class="number" data-label="F1">
                  <span class="score-bar" aria-hidden="true">
                    <span style={{ width: `${100 * row.f1}%` }} />
                  </span>
                  {formatPercent(row.f1)}
                </td>
                <td class="number" data-label="In the data">
                  {formatCount(row.support)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > firstRows && (
        <p class="more">
          <Button look="quiet" onClick={() => (isAll.value = !isAll.value)}>
            {isAll.value ? 'Show fewer' : `Show all ${plural(rows.length, 'row')}`}
          </Button>
        </p>
      )}
    </section>
  );
}

function sorted(
  rows: readonly Row[],
  order: { readonly key: Key; readonly isRising: boolean } | null,
): readonly Row[] {
  if (order === null) return rows;
  const sign = order.isRising ? 1 : -1;
  return rows.toSorted((a, b) => sign * (a[order.key] - b[order.key]));
}

function nounOf({ of, rows }: Scores): string {
  if (rows.length === 1) return of;
  return { class: 'classes', entity: 'kinds of entity', tag: 'tags' }[of];
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
