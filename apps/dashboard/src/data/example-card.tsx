import { Fragment, type JSX } from 'preact';
import type { ShownExample, ShownSource } from '@berth/contracts';
import { formatCount, plural } from '../format.ts';

/** Of a column; one number a token is too much to read. */
const mostShownNumbers = 16;

/** An example: its tokens by segment, what is to be predicted, and where its text is from. */
export function ExampleCard({ example }: { example: ShownExample }): JSX.Element {
  const { segments, sources, shard, example: number, columns } = example;
  const values = Object.entries(columns).filter(
    ([, numbers]) => numbers.length <= mostShownNumbers,
  );
  const sequences = [...new Set(segments.map(({ sequence }) => sequence))];
  return (
    <li class="data-example">
      {sequences.map((sequence) => (
        <p key={sequence} class="data-tokens">
          {segments
            .filter((one) => one.sequence === sequence)
            .map((one) => (
              <Segment key={one.position} example={example} segment={one} />
            ))}
        </p>
      ))}
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

function Segment(props: {
  readonly example: ShownExample;
  readonly segment: ShownExample['segments'][number];
}): JSX.Element {
  const { tokens, labels } = props.example;
  const { position: start, numTokens, segment } = props.segment;
  const labelAt = new Map(labels.map(({ position, token }) => [position, token]));
  return (
    <>
      {tokens.slice(start, start + numTokens).map((token, at) => {
        const label = labelAt.get(start + at);
        return (
          <Fragment key={at}>
            <span class={`data-token ${segment === 0 ? 'first' : 'second'}`}>
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
          </Fragment>
        );
      })}
    </>
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
