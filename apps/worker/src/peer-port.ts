import { BerthError } from '@berth/contracts';
import type { PeerNode } from '@berth/collectives';
import type { PeerPort } from '@berth/training';

/** The peer node as the training loop sees it: states are three vectors of equal length. */
export function peerPort(peers: PeerNode): PeerPort {
  return {
    joinView: (view, options) => peers.joinView(view, options),
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
      const parts = await peers.fetchState(peer, { runId, step, timeoutMs });
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
