import type { JSX } from 'preact';
import type { ShownDocument } from '@berth/contracts';
import { formatCount, plural } from '../format.ts';

/** Documents that stand out, with their beginnings. */
export function OddDocuments(props: {
  readonly title: string;
  readonly documents: readonly ShownDocument[];
  /** What a document stands out by, in words. */
  readonly of: (document: ShownDocument) => string;
}): JSX.Element | null {
  const { title, documents, of } = props;
  if (documents.length === 0) return null;
  return (
    <section class="card" aria-label={title}>
      <h2>{title}</h2>
      <ol class="data-documents">
        {documents.map((document) => (
          <li key={`${document.split}/${document.shard}/${document.document}`}>
            <p>
              <strong>{of(document)}</strong>{' '}
              <span class="muted">
                {nameOf(document)}
                {document.numSentences === 1
                  ? ', one sentence'
                  : `, ${plural(document.numSentences, 'sentence')}`}
              </span>
            </p>
            <p class="data-beginning">{document.beginning.join(' ')}</p>
          </li>
        ))}
      </ol>
    </section>
  );
}

function nameOf({ name, split, shard, document }: ShownDocument): string {
  if (name !== undefined) return name;
  return split === 'train'
    ? `document ${formatCount(document)} of shard ${shard}`
    : `document ${formatCount(document)}, held out`;
}
