import type { StateVectors, View, AllReduceDtype } from '@berth/contracts';
import type { StateLabel } from '@berth/collectives';
import type { PeerPort } from '@berth/training';
import type { Peers, SharedState } from '../threads/peers.ts';

export interface PeerPortOptions {
  /** Three parts of as many elements as the model has parameters. */
  readonly state: SharedState;
  readonly runId: string;
  readonly dtype: AllReduceDtype;
  /** Of the task: they stay in fp32. */
  readonly numSums: number;
}

/** The data plane as the training loop sees it. */
export function peerPort(
  peers: Peers,
  { state, runId, dtype, numSums }: PeerPortOptions,
): PeerPort {
  const vectors = vectorsOf(state);
  const labelOf = (view: View, step: number): StateLabel => ({
    runId,
    fencingEpoch: view.fencingEpoch,
    viewVersion: view.version,
    step,
  });
  return {
    async joinView(view, { timeoutMs, onPeerLost, ...options }) {
      const session = await peers.joinView(view, {
        ...options,
        dtype,
        numExact: numSums,
        connectTimeoutMs: timeoutMs,
        onPeerLost(_, error) {
          // One that left may have nothing more to do: the run is over. If not, the next all-reduce fails.
          if (error.details['left'] !== true) onPeerLost(error);
        },
      });
      return {
        vectors: session.vectors,
        // The runtime thread has put them into `vectors`.
        allReduce: ({ contributions: _inPlace, ...request }) => session.allReduce(request),
        close: () => session.close(),
      };
    },
    async stateVectors() {
      // Whoever still copies what was there before would get a mixture.
      await state.offer(undefined);
      return vectors;
    },
    offerState: (view, step) => state.offer(labelOf(view, step)),
    async fetchState(donors, { view, step, ...limits }) {
      await state.offer(undefined);
      await state.fetch(donors, labelOf(view, step), limits);
      return { step, ...vectors };
    },
  };
}

function vectorsOf({ parts }: SharedState): StateVectors {
  const [weights, firstMoments, secondMoments] = parts;
  if (weights === undefined || firstMoments === undefined || secondMoments === undefined)
    throw new RangeError(`A state has three vectors, not ${parts.length}`);
  return { weights, firstMoments, secondMoments };
}
