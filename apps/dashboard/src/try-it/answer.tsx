import type { JSX } from 'preact';
import type { FilledText, FillMaskAnswer } from '@berth/contracts';
import { filled, hiddenWord, type Sentence } from './sentence.ts';
import type { Answered } from './state.ts';

/** The candidates for each hidden word, likeliest first. */
export function Answer({
  answered: { question: sentence, answer },
  isStale,
}: {
  readonly answered: Answered<Sentence, FillMaskAnswer>;
  readonly isStale: boolean;
}): JSX.Element {
  const places = [...sentence.hidden].sort((a, b) => a - b);
  return (
    <div class={isStale ? 'try-masks stale' : 'try-masks'}>
      <p class="try-sentence">
        {sentence.words.map((word, place) => {
          const mask = answer.masks[places.indexOf(place)];
          return (
            <span key={place}>
              {mask === undefined ? (
                word
              ) : (
                <strong class="try-guess">{filled(word, shown(mask.candidates[0]?.token))}</strong>
              )}{' '}
            </span>
          );
        })}
      </p>
      <div class="try-columns">
        {answer.masks.map((mask, index) => (
          <Candidates
            key={mask.position}
            mask={mask}
            hidden={hiddenWord(sentence.words[places[index] ?? -1] ?? '[MASK]')}
            number={answer.masks.length > 1 ? index + 1 : undefined}
          />
        ))}
      </div>
    </div>
  );
}

function Candidates({
  mask: { candidates },
  hidden,
  number,
}: {
  readonly mask: FilledText['masks'][number];
  readonly hidden: string | undefined;
  /** Which of several it is. */
  readonly number: number | undefined;
}): JSX.Element {
  const isHidden = (token: string): boolean => token.toLowerCase() === hidden?.toLowerCase();
  const isGuessed = candidates.some(({ token }) => isHidden(token));
  return (
    <div>
      <h3>{hidden === undefined ? `For [MASK] ${number ?? ''}` : `Instead of “${hidden}”`}</h3>
      <ol class="try-candidates">
        {candidates.map(({ token, probability }) => (
          <li key={token} class={isHidden(token) ? 'right' : ''}>
            <span class="try-token">
              {shown(token)}
              {isHidden(token) && <span class="hidden">, the hidden word</span>}
            </span>
            <span class="try-bar" aria-hidden="true">
              <span style={{ width: `${100 * probability}%` }} />
            </span>
            <span class="number">{percent(probability)}</span>
          </li>
        ))}
      </ol>
      {hidden !== undefined && !isGuessed && (
        <p class="muted try-hint">
          “{hidden}” is not among the first {candidates.length}.
        </p>
      )}
    </div>
  );
}

/** A piece that goes on with the word before it, without the marks of the vocabulary. */
function shown(token: string | undefined): string {
  return token?.replace(/^##/, '…') ?? '';
}

function percent(probability: number): string {
  const value = 100 * probability;
  return value < 0.1 ? '< 0.1 %' : `${value.toFixed(1)} %`;
}
