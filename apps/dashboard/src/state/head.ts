import { effect } from '@preact/signals';
import { route } from '../router.ts';
import { headIcon, titleOf } from './head-text.ts';
import { openRun, runs } from './live.ts';

/** Keeps the title and the icon of the page saying what it shows. */
export function startHead(): void {
  const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  effect(() => {
    const report = openRun.value;
    document.title = titleOf(route.value, report, runs.value ?? []);
    icon?.setAttribute('href', report === undefined ? '/icon.svg' : headIcon(report));
  });
}
