import type { JSX } from 'preact';
import type { DatasetReport } from '@berth/contracts';

/** What a run's data is, and what its user should know of it. */
export function DatasetHealth({ dataset }: { dataset: DatasetReport }): JSX.Element {
  return (
    <section class="card">
      <h2>Data</h2>
      <p class="dataset-summary">{dataset.summary}</p>
      {dataset.findings.map(({ code, severity, text }) => (
        <p key={code} class={`dataset-finding ${severity}`}>
          <strong>{severity}</strong> {text}
        </p>
      ))}
    </section>
  );
}
