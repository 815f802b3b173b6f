import type { ShownExample, ShownSource } from '@berth/contracts';
import { harmless } from './context.ts';
import { formatCount, plural } from './format.ts';
import type { Paint } from './paint.ts';

/** Of a column; one number a token is too much to read. */
const mostShownNumbers = 16;

/** How labels are written: what stood there, and what the model reads in its place. */
export function exampleLegend(paint: Paint): string {
  return [
    paint('first', 'segment 0'),
    paint('second', 'segment 1'),
    `${paint('label', 'to predict')}→${paint('replaced', 'what is read')}`,
  ].join('  ');
}

/** An example for people: where its text is from, then its tokens. */
export function exampleText(example: ShownExample, paint: Paint): string {
  const { sources, columns } = example;
  const values = Object.entries(columns)
    .filter(([, numbers]) => numbers.length <= mostShownNumbers)
    .map(([name, numbers]) => `${harmless(name)} ${numbers.join(' ')}`);
  return [
    ...sources.map((source, index) =>
      paint('dim', `  ${sources.length > 1 ? `${index + 1}. ` : ''}${sourceText(source)}`),
    ),
    ...(values.length > 0 ? [paint('dim', `  ${values.join(', ')}`)] : []),
    `  ${tokensText(example, paint)}`,
  ].join('\n');
}

/** `speeches.txt:12, sentences 3 to 9: 61 tokens (document 5 of shard 3)` */
function sourceText(source: ShownSource): string {
  const { name, shard, document, firstSentence, numSentences, numTokens, split } = source;
  const place = `document ${document} of ${split === 'train' ? `shard ${shard}` : 'those held out'}`;
  const sentences =
    numSentences === 1
      ? `sentence ${formatCount(firstSentence)}`
      : `sentences ${formatCount(firstSentence)} to ${formatCount(firstSentence + numSentences - 1)}`;
  const what = `${sentences}: ${plural(numTokens, 'token')}`;
  return name === undefined ? `${place}, ${what}` : `${harmless(name)}, ${what} (${place})`;
}

/** A sequence that is packed with others begins a line. */
function tokensText({ tokens, segments, labels }: ShownExample, paint: Paint): string {
  const labelAt = new Map(labels.map(({ position, token }) => [position, token]));
  const texts = segments.map(({ position, numTokens, segment, sequence }, index) => {
    const words = tokens.slice(position, position + numTokens).map((token, at) => {
      const read = harmless(token);
      const label = labelAt.get(position + at);
      if (label !== undefined)
        return `${paint('label', harmless(label))}→${paint('replaced', read)}`;
      return paint(segment === 0 ? 'first' : 'second', read);
    });
    const before = segments[index - 1];
    return `${before === undefined ? '' : before.sequence === sequence ? ' ' : '\n  '}${words.join(' ')}`;
  });
  return texts.join('');
}
