import { signal } from '@preact/signals';

export const runTabs = [
  'overview',
  'metrics',
  'evaluation',
  'data',
  'workers',
  'checkpoints',
  'try-it',
  'logs',
] as const;
export type RunTab = (typeof runTabs)[number];

export type Route =
  | { readonly page: 'runs' }
  | { readonly page: 'run'; readonly runId: string; readonly tab: RunTab }
  | { readonly page: 'grid'; readonly name: string }
  | { readonly page: 'queues' }
  | { readonly page: 'unknown' };

/** Reads a path; the page's own paths are `/`, `/runs/:id`, `/runs/:id/:tab`, `/grids/:name` and `/queues`. */
export function parseRoute(path: string): Route {
  const [first, second, third, ...rest] = path.split('/').filter((part) => part !== '');
  if (rest.length > 0) return { page: 'unknown' };
  if (first === undefined || (first === 'runs' && second === undefined)) return { page: 'runs' };
  if (first === 'queues' && second === undefined) return { page: 'queues' };
  if (first === 'grids' && second !== undefined && third === undefined)
    return { page: 'grid', name: decodeURIComponent(second) };
  if (first !== 'runs' || second === undefined) return { page: 'unknown' };
  const tab = third ?? 'overview';
  if (!isRunTab(tab)) return { page: 'unknown' };
  return { page: 'run', runId: decodeURIComponent(second), tab };
}

/** The path of a tab of a run's page. */
export function pathOfRun(runId: string, tab: RunTab = 'overview'): string {
  const base = `/runs/${encodeURIComponent(runId)}`;
  return tab === 'overview' ? base : `${base}/${tab}`;
}

export function pathOfGrid(name: string): string {
  return `/grids/${encodeURIComponent(name)}`;
}

/** Where the page is now. */
export const route = signal<Route>({ page: 'runs' });

/** Goes to a path of the page without loading it anew. */
export function navigate(path: string): void {
  history.pushState(null, '', path);
  route.value = parseRoute(location.pathname);
  scrollTo(0, 0);
}

/** Follows the address bar and takes over plain clicks on links within the page. */
export function startRouter(): void {
  route.value = parseRoute(location.pathname);
  addEventListener('popstate', () => {
    route.value = parseRoute(location.pathname);
  });
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (link === null || link.origin !== location.origin || link.target !== '') return;
    if (link.hasAttribute('download') || link.pathname.startsWith('/api/')) return;
    event.preventDefault();
    navigate(link.pathname);
  });
}

function isRunTab(text: string): text is RunTab {
  return (runTabs as readonly string[]).includes(text);
}
