import type { JSX } from 'preact';
import type { ShownShare } from '@berth/contracts';
import { Icon } from '../components/icon.tsx';

/** The numbers of examples beside the bands of sound ones. */
export function Shares({ shares }: { shares: readonly ShownShare[] }): JSX.Element | null {
  if (shares.length === 0) return null;
  return (
    <section class="card flush" aria-label="Examples, and what they should be">
      <header class="card-head">
        <h2>Examples, and what they should be</h2>
      </header>
      <div class="table-scroll">
        <table class="data cards">
          <thead>
            <tr>
              <th>Share</th>
              <th class="number">Is</th>
              <th class="number">Should be</th>
              <th>Where from</th>
            </tr>
          </thead>
          <tbody>
            {shares.map((share) => (
              <tr key={share.name}>
                <th scope="row" class="full">
                  {share.label}
                </th>
                <td class="number" data-label="Is">
                  {share.value.toFixed(3)}
                </td>
                <td class="number" data-label="Should be">
                  <Band share={share} />
                </td>
                <td class="full muted">{share.source ?? ''}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Band({ share: { value, low, high } }: { share: ShownShare }): JSX.Element {
  if (low === undefined || high === undefined) return <span class="muted">as the text is</span>;
  const isOut = value < low || value > high;
  return (
    <span class={isOut ? 'data-band warn' : 'data-band good'}>
      <Icon name={isOut ? 'warning' : 'check'} />
      {low.toFixed(3)} to {high.toFixed(3)}
      <span class="hidden">{isOut ? ', outside' : ', inside'}</span>
    </span>
  );
}
