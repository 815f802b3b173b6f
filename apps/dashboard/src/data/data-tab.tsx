import type { JSX } from 'preact';
import type { DataView, RunStatusReport } from '@berth/contracts';
import { Button } from '../components/button.tsx';
import { DatasetHealth } from '../components/dataset-health.tsx';
import { Icon } from '../components/icon.tsx';
import { EmptyState, SkeletonRows } from '../components/parts.tsx';
import { formatCount, formatPercent, plural } from '../format.ts';
import { ExampleCard } from './example-card.tsx';
import { Lengths } from './lengths.tsx';
import { OddDocuments } from './odd-documents.tsx';
import { Shares } from './shares.tsx';
import { useDataView } from './use-data-view.ts';

/** What a run learns from: examples, their numbers, and the documents that stand out. */
export function DataTab({ report: { run } }: { report: RunStatusReport }): JSX.Element {
  const { view, problem, again } = useDataView(run.runId, run.manifestKey);
  if (run.manifestKey === null)
    return (
      <EmptyState icon="table" title="Not prepared yet">
        <p>The data is being made: {run.reason}.</p>
      </EmptyState>
    );
  if (problem !== null)
    return (
      <div class="reason warn" role="alert">
        <Icon name="warning" />
        <div>
          <p>{problem}</p>
        </div>
        <Button icon="retry" onClick={again}>
          Read again
        </Button>
      </div>
    );
  if (view === null) return <SkeletonRows count={6} />;
  return (
    <div class="data-view">
      <p class="muted">{lookText(view, run.runId)}</p>
      {view.report !== null && <DatasetHealth dataset={view.report} />}
      <Shares shares={view.shares} />
      <section class="card" aria-label="Examples">
        <h2>Examples</h2>
        <p class="data-legend">
          <span class="data-token first">segment 0</span>{' '}
          <span class="data-token second">segment 1</span>{' '}
          <span class="data-token first">
            <ins>to predict</ins>
            <span class="data-read">what is read</span>
          </span>
        </p>
        <ul class="data-examples">
          {view.examples.map((example) => (
            <ExampleCard key={`${example.shard}/${example.example}`} example={example} />
          ))}
        </ul>
      </section>
      <div class="data-pair">
        <Lengths title="Tokens of a document" bins={view.documentLengths} />
        <Lengths title="Tokens of an example" bins={view.exampleLengths} />
      </div>
      <OddDocuments
        title="Longest documents"
        documents={view.longest}
        of={({ numTokens }) => plural(numTokens, 'token')}
      />
      <OddDocuments
        title="Most [UNK]"
        documents={view.mostUnknown}
        of={({ value, numTokens }) => `${formatPercent(value)} of ${plural(numTokens, 'token')}`}
      />
      <OddDocuments
        title="Most digits and punctuation"
        documents={view.mostSymbols}
        of={({ value, numTokens }) => `${formatPercent(value)} of ${plural(numTokens, 'token')}`}
      />
      <OddDocuments
        title="Equal documents"
        documents={view.duplicates}
        of={({ value, numTokens }) => `${formatCount(value)} times ${plural(numTokens, 'token')}`}
      />
    </div>
  );
}

/** How much of the data was looked at. */
function lookText({ looked, datasetId, numForgotten }: DataView, runId: string): string {
  const { numDocuments, ofDocuments, numShards, ofShards, numExamples, areWhole } = looked;
  const documents =
    ofDocuments === 0
      ? ''
      : `${formatCount(numDocuments)} of ${plural(ofDocuments, 'document')} in `;
  const isAll = numDocuments === ofDocuments && numShards === ofShards;
  return [
    `Dataset ${datasetId.slice(0, 12)}: a look at ${documents}${formatCount(numShards)} of ${plural(ofShards, 'shard')}, and at ${plural(numExamples, 'example')}`,
    areWhole ? '' : ' made of the first documents of one',
    numForgotten === 0 ? '' : `; ${plural(numForgotten, 'document')} forgotten`,
    isAll ? '.' : `. berth data inspect ${runId} --all looks at all of it.`,
  ].join('');
}
