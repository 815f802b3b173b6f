import type { JSX } from 'preact';

/** Strokes on a grid of 24. */
const paths = {
  check: 'M20 6 9 17l-5-5',
  cross: 'M18 6 6 18M6 6l12 12',
  clock: 'M12 7v5l3 2M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0Z',
  spinner: 'M21 12a9 9 0 1 1-6.2-8.6',
  pulse: 'M3 12h4l3-8 4 16 3-8h4',
  warning:
    'M12 9v4m0 4h.01M10.3 3.9 2.4 17.6A2 2 0 0 0 4.1 20.6h15.8a2 2 0 0 0 1.7-3L13.7 3.9a2 2 0 0 0-3.4 0Z',
  pause: 'M9 5v14M15 5v14',
  play: 'M7 4.5v15l12-7.5-12-7.5Z',
  stop: 'M6 6h12v12H6Z',
  kill: 'M13 2 4 14h7l-1 8 9-12h-7l1-8Z',
  trash: 'M4 7h16M9 7V4h6v3M6 7l1 14h10l1-14M10 11v6M14 11v6',
  save: 'M5 3h11l4 4v12a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2ZM7 3v5h8V3M7 21v-7h10v7',
  branch:
    'M6 3v12M18 9a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM6 21a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM18 9a9 9 0 0 1-9 9',
  pin: 'M12 17v5M8 3h8l-1 6 3 4v2H6v-2l3-4-1-6Z',
  plus: 'M12 5v14M5 12h14',
  search: 'M21 21l-4.3-4.3M19 11a8 8 0 1 1-16 0 8 8 0 0 1 16 0Z',
  sun: 'M12 17a5 5 0 1 0 0-10 5 5 0 0 0 0 10ZM12 1v2M12 21v2M4.2 4.2l1.4 1.4M18.4 18.4l1.4 1.4M1 12h2M21 12h2M4.2 19.8l1.4-1.4M18.4 5.6l1.4-1.4',
  moon: 'M21 12.8A9 9 0 1 1 11.2 3a7 7 0 0 0 9.8 9.8Z',
  table: 'M3 5h18v14H3ZM3 10h18M3 15h18M10 5v14',
  chart: 'M3 3v18h18M7 15l4-5 3 3 5-7',
  log: 'M4 20h16M4 20V4M4 18c6 0 14-3 16-13',
  download: 'M12 3v12m0 0-5-5m5 5 5-5M4 21h16',
  copy: 'M9 9h11v11H9ZM5 15H4V4h11v1',
  chevron: 'M9 6l6 6-6 6',
  worker: 'M4 5h16v10H4ZM9 19h6M12 15v4',
  retry: 'M3 12a9 9 0 1 0 3-6.7L3 8M3 3v5h5',
  reset: 'M4 9V4h5M20 15v5h-5M4 4l6 6M20 20l-6-6',
  dot: 'M12 12h.01',
  queue: 'M4 6h16M4 12h16M4 18h10',
  down: 'M12 5v14m0 0-6-6m6 6 6-6',
  target: 'M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0ZM16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0ZM12 12h.01',
  sort: 'M8 10l4-4 4 4M8 14l4 4 4-4',
  grid: 'M4 4h7v7H4ZM13 4h7v7h-7ZM4 13h7v7H4ZM13 13h7v7h-7Z',
  key: 'M15 9a3 3 0 1 1-6 0 3 3 0 0 1 6 0ZM12 12v9m0-4h3',
} as const;

export type IconName = keyof typeof paths;

/** A small drawing beside a word; it says nothing that the word does not. */
export function Icon({ name, isSpinning }: { name: IconName; isSpinning?: boolean }): JSX.Element {
  return (
    <svg
      class={isSpinning === true ? 'icon spinning' : 'icon'}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="2"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <path d={paths[name]} />
    </svg>
  );
}

/** The sign of the program: a mooring hook. */
export function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 32 32" fill="none" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="var(--accent)" />
      <path
        d="M10 7v12a5 5 0 0 0 5 5h2a5 5 0 0 0 0-10h-7"
        stroke="var(--on-accent)"
        stroke-width="3.2"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}
