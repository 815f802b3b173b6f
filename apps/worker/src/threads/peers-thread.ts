import { parentPort, workerData } from 'node:worker_threads';
import {
  createPeerNode,
  StateMemory,
  type Endpoint,
  type JoinOptions,
  type ReduceRequest,
  type ReduceResult,
  type StateLabel,
  type PeerAddress,
  type StateTransfer,
  type ViewSession,
} from '@berth/collectives';
import { BerthError, errorToWire, type GradientVector, type View } from '@berth/contracts';
import { forwardingLogger } from './forwarded-log.ts';
import type { FetchLimits, PeersThreadData } from './peers.ts';
import { serveCallsAtOnce, type ThreadEvent } from './thread-rpc.ts';

const port = parentPort;
if (port === null) throw new BerthError('INTERNAL', 'The peers thread must be started as a thread');
const tell = (event: string, ...args: readonly unknown[]): void =>
  port.postMessage({ event, args } satisfies ThreadEvent);

const node = createPeerNode({
  ...(workerData as PeersThreadData),
  logger: forwardingLogger((...record) => tell('log', ...record)),
});
/** The newest; a node has one live session at a time. */
let current: { readonly id: number; readonly session: ViewSession } | undefined;
let memory: StateMemory | undefined;

function stateMemory(): StateMemory {
  if (memory === undefined)
    throw new BerthError('INTERNAL', 'The peers thread has no state memory');
  return memory;
}

serveCallsAtOnce(port, {
  ping: (): void => undefined,

  listen: (): Promise<Endpoint> => node.listen(),

  async join(
    signal: AbortSignal,
    id: number,
    view: View,
    options: Omit<JoinOptions, 'signal' | 'onPeerLost'>,
  ): Promise<readonly GradientVector[]> {
    const session = await node.joinView(view, {
      ...options,
      signal,
      onPeerLost: (memberId, error) => tell('lost', id, memberId, errorToWire(error)),
    });
    current = { id, session };
    return session.vectors;
  },

  reduce(
    signal: AbortSignal,
    id: number,
    request: Omit<ReduceRequest, 'signal'>,
  ): Promise<ReduceResult> {
    if (current?.id !== id)
      throw new BerthError('COLLECTIVE_ABORTED', 'this member has joined a newer view');
    return current.session.allReduce({ ...request, signal });
  },

  leave(_: AbortSignal, id: number): void {
    if (current?.id === id) current.session.close();
  },

  /** Memory for states whose parts have these lengths; earlier memory is let go. */
  async layOutState(
    _: AbortSignal,
    partLengths: readonly number[],
    isWarm: boolean,
  ): Promise<readonly Float32Array[]> {
    node.offerState(undefined);
    memory = undefined;
    const laidOut = new StateMemory(partLengths);
    if (isWarm) await laidOut.touch();
    memory = laidOut;
    return laidOut.parts;
  },

  offerState(_: AbortSignal, label: StateLabel | undefined): void {
    node.offerState(label && { label, memory: stateMemory() });
  },

  fetchState(
    signal: AbortSignal,
    donors: readonly PeerAddress[],
    label: StateLabel,
    limits: FetchLimits,
  ): Promise<StateTransfer> {
    return node.fetchState(donors, { ...limits, label, memory: stateMemory(), signal });
  },

  close: (): Promise<void> => node.close(),
});
