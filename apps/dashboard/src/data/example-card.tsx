import type { JSX } from 'preact';
import type { ShownExample, ShownSource } from '@berth/contracts';
import { formatCount, plural } from '../format.ts';

/** An example: its tokens by segment, what is to be predicted, and where its text is from. */
export function ExampleCard({ example }: { example: ShownExample }): JSX.Element {
  const { tokens, labels, numFirstSegment, sources, shard, example: number, columns } = example;
  const labelAt = new Map(labels.map(({ position, token }) => [position, token]));
  const values = Object.entries(columns).filter(([, numbers]) => numbers.length <= 4);
  return (
    <li class="data-example">
      <p class="data-tokens">
        {tokens.map((token, position) => {
          const label = labelAt.get(position);
          const segment = position < numFirstSegment ? 'first' : 'second';
          return (
            <>
              <span key={position} class={`data-token ${segment}`}>
                {label === undefined ? (
                  token
                ) : (
                  <>
                    <ins title="to be predicted">{label}</ins>
                    <span class="data-read" title="what is read">
                      {token}
                    </span>
                  </>
                )}
              </span>{' '}
            </>
          );
        })}
      </p>
      <p class="muted data-place">
        number {formatCount(number)} of shard {shard}
        {values.map(([name, numbers]) => (
          <span key={name}>
            , {name} {numbers.join(' ')}
          </span>
        ))}
      </p>
      {sources.map((source) => (
        <p key={source.position} class="muted data-place">
          {sourceText(source)}
        </p>
      ))}
    </li>
  );
}

function sourceText(source: ShownSource): string {
  const { name, shard, document, firstSentence, numSentences, numTokens } = source;
  const place = `document ${document} of shard ${shard}`;
  const last = firstSentence + numSentences - 1;
  const sentences =
    numSentences === 1
      ? `sentence ${formatCount(firstSentence)}`
      : `sentences ${formatCount(firstSentence)} to ${formatCount(last)}`;
  return `${name === undefined ? place : `${name} (${place})`}, ${sentences}: ${plural(numTokens, 'token')}`;
}
