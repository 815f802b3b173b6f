import { signal } from '@preact/signals';

export interface Toast {
  readonly id: number;
  readonly tone: 'good' | 'bad' | 'plain';
  readonly text: string;
}

const shownMs = 6000;
/** A failure is read twice. */
const shownFailureMs = 15_000;

/** Oldest first. */
export const toasts = signal<readonly Toast[]>([]);

let lastId = 0;

/** Says something at the edge of the page for a while. */
export function toast(tone: Toast['tone'], text: string): void {
  const id = ++lastId;
  toasts.value = [...toasts.value, { id, tone, text }].slice(-4);
  setTimeout(() => dismiss(id), tone === 'bad' ? shownFailureMs : shownMs);
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((other) => other.id !== id);
}
