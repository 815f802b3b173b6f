import { numStepSums, type StateVectors, type View, type Wire } from '@berth/contracts';
import type { PeerNode, StateLabel, StateMemory } from '@berth/collectives';
import type { PeerPort } from '@berth/training';

export interface PeerPortOptions {
  /** Three parts of as many elements as the model has parameters. */
  readonly memory: StateMemory;
  readonly runId: string;
  readonly wire: Wire;
}

/** The peer node as the training loop sees it. */
export function peerPort(peers: PeerNode, { memory, runId, wire }: PeerPortOptions): PeerPort {
  const vectors = vectorsOf(memory);
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
        wire,
        numExact: numStepSums,
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
    stateVectors() {
      // Whoever still copies what was there before would get a mixture.
      peers.offerState(undefined);
      return vectors;
    },
    offerState: (view, step) => peers.offerState({ label: labelOf(view, step), memory }),
    async fetchState(donors, { view, step, ...limits }) {
      peers.offerState(undefined);
      await peers.fetchState(donors, { label: labelOf(view, step), memory, ...limits });
      return { step, ...vectors };
    },
  };
}

function vectorsOf({ parts }: StateMemory): StateVectors {
  const [weights, firstMoments, secondMoments] = parts;
  if (weights === undefined || firstMoments === undefined || secondMoments === undefined)
    throw new RangeError(`A state has three vectors, not ${parts.length}`);
  return { weights, firstMoments, secondMoments };
}
