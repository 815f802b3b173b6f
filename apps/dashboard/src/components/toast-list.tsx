import type { JSX } from 'preact';
import { dismiss, toasts } from '../state/toasts.ts';
import { IconButton } from './button.tsx';
import { Icon } from './icon.tsx';

const icons = { good: 'check', bad: 'warning', plain: 'dot' } as const;

/** What controls answered, told to screen readers too. */
export function ToastList(): JSX.Element {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, tone, text }) => (
        <div class={`toast ${tone}`} key={id}>
          <Icon name={icons[tone]} />
          <span>{text}</span>
          <IconButton icon="cross" label="Dismiss" onClick={() => dismiss(id)} />
        </div>
      ))}
    </div>
  );
}
