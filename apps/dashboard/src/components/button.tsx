import type { ComponentChildren, JSX } from 'preact';
import { useId } from 'preact/hooks';
import { toast } from '../state/toasts.ts';
import { Icon, type IconName } from './icon.tsx';

export interface ButtonProps {
  readonly children: ComponentChildren;
  readonly icon?: IconName;
  readonly look?: 'plain' | 'primary' | 'danger' | 'quiet';
  readonly onClick?: () => void;
  /** Why it cannot be used now; shown on hover and focus, and told to screen readers. */
  readonly disabledReason?: string | undefined;
  /** What it will do. */
  readonly hint?: string | undefined;
  readonly isBusy?: boolean;
  readonly type?: 'button' | 'submit';
  readonly name?: string;
}

/** A button that, when it cannot be used, stays in reach and says why. */
export function Button(props: ButtonProps): JSX.Element {
  const { children, icon, look = 'plain', onClick, disabledReason, hint, isBusy = false } = props;
  const id = useId();
  const isOff = disabledReason !== undefined || isBusy;
  const tip = disabledReason ?? hint;
  return (
    <span class="tip-anchor">
      <button
        type={props.type ?? 'button'}
        class={`button ${look}`}
        aria-disabled={isOff}
        aria-describedby={tip === undefined ? undefined : id}
        data-control={props.name}
        onClick={(event) => {
          if (!isOff) return onClick?.();
          event.preventDefault();
          // Where there is no pointer to hover with, this is how the reason is found out.
          if (disabledReason !== undefined) toast('plain', disabledReason);
        }}
      >
        {isBusy ? <Icon name="spinner" isSpinning /> : icon !== undefined && <Icon name={icon} />}
        <span>{children}</span>
      </button>
      {tip !== undefined && (
        <span class="tip" role="tooltip" id={id}>
          {tip}
        </span>
      )}
    </span>
  );
}

export interface IconButtonProps {
  readonly icon: IconName;
  readonly label: string;
  readonly onClick: () => void;
  readonly isPressed?: boolean;
}

/** A button that is only a drawing; its label is its name and its tooltip. */
export function IconButton({ icon, label, onClick, isPressed }: IconButtonProps): JSX.Element {
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={label}
      aria-pressed={isPressed}
      title={label}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}
