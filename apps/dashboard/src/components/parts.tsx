import type { ComponentChildren, JSX } from 'preact';
import { toast } from '../state/toasts.ts';
import type { Look } from '../state/status.ts';
import { IconButton } from './button.tsx';
import { Icon, type IconName } from './icon.tsx';

/** A state as icon, word and colour. */
export function Chip({ look }: { look: Look }): JSX.Element {
  const { icon, word, tone, isBusy } = look;
  return (
    <span class={`chip ${tone}`}>
      <Icon name={icon} isSpinning={isBusy === true && icon === 'spinner'} />
      {word}
    </span>
  );
}

/** A share done, from 0 to 1. */
export function Progress({
  ratio,
  label,
  tone,
}: {
  ratio: number;
  label: string;
  tone: string;
}): JSX.Element {
  const percent = Math.min(100, Math.max(0, ratio * 100));
  return (
    <div
      class={`progress ${tone}`}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(percent)}
    >
      <div class="progress-fill" style={{ width: `${percent}%` }} />
    </div>
  );
}

/** A number that matters, with what it is and something beside it. */
export function Tile(props: {
  readonly label: string;
  readonly value: ComponentChildren;
  readonly note?: ComponentChildren;
}): JSX.Element {
  return (
    <div class="tile">
      <dt class="tile-label">{props.label}</dt>
      <dd class="tile-value">{props.value}</dd>
      {props.note !== undefined && <dd class="tile-note">{props.note}</dd>}
    </div>
  );
}

/** A command that can be copied. */
export function Command({ text }: { text: string }): JSX.Element {
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(
      () => toast('good', 'Copied to the clipboard'),
      () => toast('bad', 'The browser does not let this page copy; select the text instead'),
    );
  };
  return (
    <div class="command">
      <code>{text}</code>
      <IconButton icon="copy" label="Copy the command" onClick={copy} />
    </div>
  );
}

/** What is shown where there is nothing yet. */
export function EmptyState(props: {
  readonly icon: IconName;
  readonly title: string;
  readonly children?: ComponentChildren;
}): JSX.Element {
  return (
    <div class="empty">
      <span class="empty-icon">
        <Icon name={props.icon} />
      </span>
      <h2>{props.title}</h2>
      {props.children}
    </div>
  );
}

/** Grey bars in the place of rows that are being read. */
export function SkeletonRows({ count }: { count: number }): JSX.Element {
  return (
    <div class="skeleton-rows" aria-busy="true" aria-label="Loading">
      {Array.from({ length: count }, (_, i) => (
        <div class="skeleton" key={i} />
      ))}
    </div>
  );
}
