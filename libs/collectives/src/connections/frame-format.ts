import type { View } from '@berth/contracts';

/**
 * How members sum: by 4, slices are contiguous, and whoever has sent all its contributions sends sums; by 5, slices are stripes from
 * the end of the vector on, and sums go as soon as they are there; by 6, members of one machine may read each other's memory, and frames
 * between them are headers only. Headers are alike.
 */
export const frameFormats = [4, 5, 6] as const;
export type FrameFormat = (typeof frameFormats)[number];
export const newestFrameFormat = 6 as const;

/** The newest that all members of a view know. Releases that do not say know 4 only. */
export function frameFormatOf({ members }: Pick<View, 'members'>): FrameFormat {
  const known = Math.min(...members.map(({ frames }) => frames ?? 4));
  return frameFormats.findLast((format) => format <= known) ?? 4;
}
