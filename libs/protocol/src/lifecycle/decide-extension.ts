import {
  decayStartOf,
  firstOtherRate,
  isFinal,
  parseRunConfig,
  withLastPhase,
  type ExtensionRequest,
  type RunConfig,
  type RunRecord,
} from '@berth/contracts';
import type { ControlSnapshot } from './control-snapshot.ts';
import { refuse, type ControlDecision } from './control-decision.ts';
import { decideControl } from './decide-control.ts';
import { restsAt } from './resume.ts';

/** The warm-up's fingerprint has the rates of the first two updates, whatever a run has trained. */
const numFingerprinted = 2;

/**
 * The first update of those that a run has done whose rate another config would have made another one; undefined when it can go
 * on by that config to the bits of a run that was planned so from the beginning.
 */
export function firstStepAgainst(
  before: RunConfig,
  after: RunConfig,
  numCommitted: number,
): number | undefined {
  return firstOtherRate(before, after, Math.max(numFingerprinted, numCommitted));
}

/**
 * What becomes of a run that is to have more steps than planned. It goes on from where it rests if its schedule had the same
 * rates up to there, and from its newest checkpoint that this is true of otherwise.
 * @throws BerthError `CONFIG_INVALID` when there can be no run with these numbers
 */
export function decideExtension(
  nowMs: number,
  record: RunRecord,
  snapshot: ControlSnapshot,
  request: ExtensionRequest,
): ControlDecision {
  const { runId, config, status, requests } = record;
  const { numSteps } = config.train;
  if (requests.remove) return refuse('it is being removed');
  if (!isFinal(status) && status !== 'paused')
    return refuse(`it is ${status}; pause or stop it first`);
  if (request.numSteps <= numSteps)
    return refuse(`it is planned for ${numSteps} steps already; name more`);
  const longer = parseRunConfig(extendedConfig(config, request), 'the extension');
  const resumed = { ...record, config: longer };
  const numDone = restsAt(record, snapshot);
  const differsAt = firstStepAgainst(config, longer, numDone);
  if (differsAt === undefined)
    return withConfig(decideControl(nowMs, resumed, snapshot, 'resume'), longer);
  const fromStep = snapshot.checkpointSteps.filter((step) => step <= differsAt).at(-1);
  if (fromStep === undefined) {
    const fork = forkCommand(runId, request);
    const why = whyNot(config, longer, differsAt);
    const reason = `${why}; go on in a run of its own (${fork})`;
    return { kind: 'refuse', code: 'RUN_STATE_CONFLICT', reason, fork };
  }
  return withConfig(decideControl(nowMs, resumed, snapshot, 'resume', { fromStep }), longer);
}

function extendedConfig(
  { train, optimizer, phases, ...others }: RunConfig,
  { numSteps, numDecaySteps }: ExtensionRequest,
): RunConfig {
  const decay = numDecaySteps === undefined ? {} : { schedule: 'wsd' as const, numDecaySteps };
  return {
    ...others,
    train: { ...train, numSteps },
    phases: withLastPhase(phases, train.numSteps, numSteps),
    optimizer: { ...optimizer, ...decay },
  };
}

function withConfig(decision: ControlDecision, config: RunConfig): ControlDecision {
  if (decision.kind !== 'change') return decision;
  return { ...decision, change: { ...decision.change, config } };
}

function whyNot(before: RunConfig, after: RunConfig, differsAt: number): string {
  const { schedule } = before.optimizer;
  const { numSteps } = before.train;
  const start = decayStartOf(before);
  return start !== undefined && differsAt > start
    ? `its decay began at step ${start}, and no checkpoint of before is left`
    : `its schedule, ${schedule}, has planned its rates for ${numSteps} steps: ` +
        `from step ${differsAt} on they are others with ${after.optimizer.schedule} over ${after.train.numSteps}`;
}

function forkCommand(runId: string, { numSteps, numDecaySteps }: ExtensionRequest): string {
  const decay =
    numDecaySteps === undefined
      ? []
      : ['optimizer.schedule=wsd', `optimizer.numDecaySteps=${numDecaySteps}`];
  const settings = [`train.numSteps=${numSteps}`, ...decay].map((setting) => ` --set ${setting}`);
  return `berth fork ${runId}${settings.join('')}`;
}
