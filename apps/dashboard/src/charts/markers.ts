import type { Marker } from '@berth/contracts';
import type { Axis } from './curve.ts';

/** Markers that lie within a few pixels of each other, drawn as one. */
export interface MarkerGroup {
  readonly x: number;
  /** The most telling kind among them. */
  readonly kind: Marker['kind'];
  readonly markers: readonly Marker[];
}

/** Most telling first: what went wrong, then what changed, then what was kept. */
const importance = [
  'diverged',
  'lost',
  'left',
  'resume',
  'joined',
  'status',
  'checkpoint',
] as const;

export const markerWords: Readonly<Record<Marker['kind'], string>> = {
  checkpoint: 'Checkpoint',
  resume: 'Resume',
  joined: 'Worker joined',
  left: 'Worker left',
  lost: 'Worker lost',
  diverged: 'State damaged',
  status: 'State',
};

function positionOf(marker: Marker, axis: Axis): number {
  return axis === 'step' ? marker.step : marker.timeMs;
}

/** Joins markers that are closer than `distance` in units of x. */
export function groupMarkers(
  markers: readonly Marker[],
  axis: Axis,
  distance: number,
): MarkerGroup[] {
  const sorted = markers.toSorted((a, b) => positionOf(a, axis) - positionOf(b, axis));
  const groups: { x: number; markers: Marker[] }[] = [];
  for (const marker of sorted) {
    const x = positionOf(marker, axis);
    const last = groups.at(-1);
    if (last !== undefined && x - last.x < distance) last.markers.push(marker);
    else groups.push({ x, markers: [marker] });
  }
  return groups.map(({ x, markers }) => ({ x, kind: mostTelling(markers), markers }));
}

/** What to say of a group: up to two texts, then how many more. */
export function describeGroup({ markers }: MarkerGroup): string {
  const texts = markers.map((marker) => marker.text);
  const shown = texts.slice(0, 2).join(' · ');
  return texts.length > 2 ? `${shown} · ${texts.length - 2} more` : shown;
}

function mostTelling(markers: readonly Marker[]): Marker['kind'] {
  return importance.find((kind) => markers.some((marker) => marker.kind === kind)) ?? 'status';
}
