import type { JSX } from 'preact';
import type { DatasetReport } from '@berth/contracts';
import { asSentence } from '../format.ts';
import { Icon } from './icon.tsx';

/** What a run's data is, and what its user should know of it. */
export function DatasetHealth({ dataset }: { dataset: DatasetReport }): JSX.Element {
  return (
    <section class="card">
      <h2>Data</h2>
      <p class="dataset-summary">{asSentence(dataset.summary)}</p>
      {dataset.findings.length > 0 && (
        <ul class="findings">
          {dataset.findings.map(({ code, severity, text }) => (
            <li key={code} class={severity}>
              <Icon name={severity === 'refusal' ? 'cross' : 'warning'} />
              <span>
                <span class="hidden">{severity}: </span>
                {asSentence(text)}
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
