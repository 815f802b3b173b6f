const prefix = 'berth:';

/** Keys shared by all runs. */
export const globalKeys = {
  lease: `${prefix}lease`,
  members: `${prefix}members`,
  membersSeen: `${prefix}members:seen`,
  /** When they were listed last. */
  membersListed: `${prefix}members:listed`,
  /** Orders to members to leave, by id. */
  membersOrders: `${prefix}members:orders`,
  /** Pub/sub channel of hints that a member has news. */
  membersHints: `${prefix}members:hints`,
  runs: `${prefix}runs`,
  activeRun: `${prefix}active-run`,
  /** Written to see whether writes are taken. */
  probe: `${prefix}probe`,
  logs: `${prefix}logs`,
  /** Pub/sub channel of hints that there are log lines. */
  logsHints: `${prefix}logs:hints`,
} as const;

export interface RunKeys {
  readonly record: string;
  readonly view: string;
  readonly votes: string;
  readonly ledger: string;
  readonly metrics: string;
  readonly metricsIndex: string;
  readonly checkpoints: string;
  readonly events: string;
  readonly eventsTold: string;
  /** What each job of its data has read. */
  readonly preparation: string;
  /** How far that is, as whoever leads reports it. */
  readonly preparationReport: string;
  /** Workers that do not see its corpus. */
  readonly preparationBlind: string;
  /** Pub/sub channel of hints; what they hint at is read from the keys. */
  readonly hints: string;
}

/** Keys of one run; the braces make them one hash slot. */
export function runKeys(runId: string): RunKeys {
  const run = `${prefix}{${runId}}:`;
  return {
    record: `${run}record`,
    view: `${run}view`,
    votes: `${run}votes`,
    ledger: `${run}ledger`,
    metrics: `${run}metrics`,
    metricsIndex: `${run}metrics:index`,
    checkpoints: `${run}checkpoints`,
    // As older releases called what charts are marked with.
    events: `${run}markers`,
    eventsTold: `${run}markers:told`,
    preparation: `${run}preparation`,
    preparationReport: `${run}preparation:report`,
    preparationBlind: `${run}preparation:blind`,
    hints: `${run}hints`,
  };
}

/** A pattern for all keys of one run, whose name has no character that means something in patterns. */
export function keysOfRun(runId: string): string {
  return `${prefix}{${runId}}:*`;
}

export function rendezvousKey(runId: string, topic: string): string {
  return `${prefix}{${runId}}:rendezvous:${topic}`;
}

export function exampleIndexKey(exampleSetId: string): string {
  return `${prefix}examples:{${exampleSetId}}`;
}

/** Examples in each epoch whose shards have been deleted. */
export function exampleSizesKey(exampleSetId: string): string {
  return `${prefix}examples:{${exampleSetId}}:sizes`;
}

/** The newest log lines of one process. */
export function logTailKey(source: string): string {
  return `${prefix}logs:last:${source}`;
}

/** What has passed through the relay of a coordinator. */
export function relayKey(relayId: string): string {
  return `${prefix}relay:${relayId}`;
}

export function deviceKey(deviceId: string): string {
  return `${prefix}device:${deviceId}`;
}
