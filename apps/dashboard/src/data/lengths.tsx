import type { JSX } from 'preact';
import type { DataView } from '@berth/contracts';
import { formatCount } from '../format.ts';

/** How many are how long, in bins that double. */
export function Lengths(props: {
  readonly title: string;
  readonly bins: DataView['documentLengths'];
}): JSX.Element | null {
  const { title, bins } = props;
  const most = Math.max(1, ...bins.map(({ count }) => count));
  if (bins.length === 0) return null;
  return (
    <section class="card" aria-label={title}>
      <h2>{title}</h2>
      <table class="data-lengths">
        <tbody>
          {bins.map(({ from, to, count }) => (
            <tr key={from}>
              <th scope="row">
                {formatCount(from)} to {formatCount(to - 1)}
              </th>
              <td class="data-bar">
                <span style={{ width: `${(100 * count) / most}%` }} aria-hidden="true" />
              </td>
              <td class="number">{formatCount(count)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
