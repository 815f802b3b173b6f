import { effect, signal } from '@preact/signals';
import type { Axis } from '../charts/curve.ts';
import { smoothingWindows } from '../charts/smoothing.ts';
import { route } from '../router.ts';

const keys = { axis: 'berth-axis', smooth: 'berth-smooth' } as const;

/** The horizontal axis of all charts. */
export const chosenAxis = signal<Axis>('step');
/** Window of the smoothing in steps; null: by the length of the run. */
export const chosenSmoothing = signal<number | null>(null);

/** Takes what the address says over what was chosen here before, and keeps the address saying it. */
export function startChartSettings(): void {
  const read = (): void => {
    const search = new URLSearchParams(location.search);
    const chosen = (name: keyof typeof keys): string | null =>
      search.get(name) ?? localStorage.getItem(keys[name]);
    ({ axis: chosenAxis.value, smoothing: chosenSmoothing.value } = parseChartSettings(
      chosen('axis'),
      chosen('smooth'),
    ));
  };
  read();
  addEventListener('popstate', read);
  effect(() => {
    const { value: at } = route;
    const hasCharts = at.page === 'run' && (at.tab === 'overview' || at.tab === 'metrics');
    const search = hasCharts
      ? searchOfChartSettings(location.search, chosenAxis.value, chosenSmoothing.value)
      : searchOfChartSettings(location.search, 'step', null);
    if (search !== location.search)
      history.replaceState(null, '', `${location.pathname}${search}${location.hash}`);
  });
}

export function chooseAxis(next: Axis): void {
  chosenAxis.value = next;
  localStorage.setItem(keys.axis, next);
}

/** @param window - null to have it chosen by the length of the run */
export function chooseSmoothing(window: number | null): void {
  chosenSmoothing.value = window;
  if (window === null) localStorage.removeItem(keys.smooth);
  else localStorage.setItem(keys.smooth, String(window));
}

/** What texts of an address or of an earlier choice mean; nonsense is as good as nothing. */
export function parseChartSettings(
  axisText: string | null,
  smoothText: string | null,
): { axis: Axis; smoothing: number | null } {
  const window = smoothingWindows.find((offered) => String(offered) === smoothText);
  return { axis: axisText === 'time' ? 'time' : 'step', smoothing: window ?? null };
}

/** The query of an address with these settings, which are left out where they are as without them; what else it says stays. */
export function searchOfChartSettings(
  before: string,
  axisNow: Axis,
  window: number | null,
): string {
  const search = new URLSearchParams(before);
  for (const name of Object.keys(keys)) search.delete(name);
  if (axisNow === 'time') search.set('axis', axisNow);
  if (window !== null) search.set('smooth', String(window));
  return search.size === 0 ? '' : `?${search}`;
}
