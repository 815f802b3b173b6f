/** A member not seen for this long is dead. */
export const memberTtlMs = 1_000;

/** Whether a member counts as alive, by the time since its last heartbeat. */
export function isAlive({ ageMs }: { readonly ageMs: number }): boolean {
  return ageMs < memberTtlMs;
}

/** Times by which a coordinator leads, the same in simulation. */
export const coordinationTimes = {
  leaseTtlMs: 1_500,
  /** Between two looks. */
  tickMs: 100,
  /** After news of one member, the time for those of the others to come in before the next look. */
  afterNewsMs: 30,
  afterErrorMs: 200,
  /** After an outage of Redis nobody has beaten for long; the time for all to do so: more than a member's time to live. */
  outageGraceMs: 1_200,
  /** An answer of Redis that took longer says nothing about who lives. */
  trustedAnswerMs: 500,
} as const;

/** A coordinator's patience with the members of a run, the same in simulation. */
export const runPatience = {
  joinTimeoutMs: 20_000,
  lostGraceMs: 30,
  complaintGraceMs: 1_200,
  patientAttempts: 3,
  maxAttemptsPerStep: 30,
  restGraceMs: 3_000,
} as const;
