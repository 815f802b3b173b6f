import { computed, effect, signal } from '@preact/signals';

export type Theme = 'light' | 'dark';

const key = 'berth-theme';
const prefersDark = matchMedia('(prefers-color-scheme: dark)');
const systemTheme = signal<Theme>(prefersDark.matches ? 'dark' : 'light');
const chosenTheme = signal<Theme | null>(readChosen());

/** The theme in use: the one chosen here before, or the system's. */
export const theme = computed<Theme>(() => chosenTheme.value ?? systemTheme.value);

/** Follows the system and the choice; the page's colours hang on the root element. */
export function startTheme(): void {
  prefersDark.addEventListener('change', ({ matches }) => {
    systemTheme.value = matches ? 'dark' : 'light';
  });
  effect(() => {
    document.documentElement.dataset['theme'] = theme.value;
  });
}

/** Switches, and remembers it unless it is what the system prefers anyway. */
export function toggleTheme(): void {
  const next = theme.value === 'dark' ? 'light' : 'dark';
  chosenTheme.value = next === systemTheme.value ? null : next;
  if (chosenTheme.value === null) localStorage.removeItem(key);
  else localStorage.setItem(key, next);
}

function readChosen(): Theme | null {
  const stored = localStorage.getItem(key);
  return stored === 'light' || stored === 'dark' ? stored : null;
}
