import type { View } from '@berth/contracts';

/** The part of a view that a vote is fenced by. */
export type ViewId = Pick<View, 'fencingEpoch' | 'version'>;

/** A view's name; a version alone may come again when Redis has lost its data. */
export function viewName({ fencingEpoch, version }: ViewId): string {
  return `${fencingEpoch}.${version}`;
}

/** True when a view comes before another one of the run. */
export function isOlderView(a: ViewId, b: ViewId): boolean {
  return (
    a.fencingEpoch < b.fencingEpoch || (a.fencingEpoch === b.fencingEpoch && a.version < b.version)
  );
}
