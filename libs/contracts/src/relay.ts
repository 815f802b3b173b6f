import { z } from 'zod';

/** Where members that cannot be dialled reach whoever joins their connections. */
export const relayAddressSchema = z.strictObject({
  /** Unique per process start, as a member's. */
  memberId: z.string(),
  host: z.string(),
  port: z.int(),
});
export type RelayAddress = z.output<typeof relayAddressSchema>;

/** What has passed through a relay since it began. */
export const relayTrafficSchema = z.strictObject({
  /** Of both directions, each byte once. */
  numBytes: z.int().nonnegative(),
  /** Connections between two members that stand now. */
  numJoined: z.int().nonnegative(),
});
export type RelayTraffic = z.output<typeof relayTrafficSchema>;

/** The relay of a view, as people are shown it. */
export const relayReportSchema = relayAddressSchema.extend({
  /** Null where it has said nothing for some seconds. */
  traffic: relayTrafficSchema.nullable(),
});
export type RelayReport = z.output<typeof relayReportSchema>;
