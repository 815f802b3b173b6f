import { BerthError, numStepSums, type Wire } from '@berth/contracts';
import type { PeerNode } from '@berth/collectives';
import type { PeerPort } from '@berth/training';

/** The peer node as the training loop sees it: a state is three vectors of `numParameters` elements. */
export function peerPort(peers: PeerNode, numParameters: number, wire: Wire): PeerPort {
  const partLengths = [numParameters, numParameters, numParameters];
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
    serveState(provide) {
      peers.serveState(async ({ runId, step }) => {
        const state = await provide(runId, step);
        if (state === undefined) return undefined;
        return {
          step: state.step,
          parts: [state.weights, state.firstMoments, state.secondMoments],
        };
      });
    },
    async fetchState(peer, runId, step, timeoutMs) {
      const parts = await peers.fetchState(peer, { runId, step, partLengths, timeoutMs });
      const [weights, firstMoments, secondMoments] = parts;
      if (weights === undefined || firstMoments === undefined || secondMoments === undefined)
        throw new BerthError(
          'COLLECTIVE_PROTOCOL',
          `${peer.memberId} sent ${parts.length} of 3 state vectors`,
        );
      return { step, weights, firstMoments, secondMoments };
    },
  };
}
