export {
  type Addition,
  alignedBlocks,
  assignBlocks,
  canonicalAdditions,
  type Contribution,
  sumContributions,
} from './reduce/blocks.ts';
export type { Endpoint } from './connections/byte-source.ts';
export { newestFrameFormat } from './connections/frame-format.ts';
export { damageFrame } from './connections/damage-frame.ts';
export { localSums, type LocalSums } from './native/local-sums.ts';
export { vectorDigest } from './reduce/digest.ts';
export {
  linkOf,
  lowestMs,
  trafficOf,
  trafficOfLinks,
  type NetworkLimits,
  type Traffic,
} from './reduce/traffic.ts';
export { DigestMemory } from './state/digest-memory.ts';
export type { StateLabel } from './connections/control.ts';
export {
  createPeerNode,
  type JoinOptions,
  type PeerNode,
  type PeerNodeOptions,
} from './peer-node.ts';
export type { BlockVector, ReduceRequest, ReduceResult, ViewSession } from './view-session.ts';
export type { PeerAddress } from './connections/peer-address.ts';
export { reachableAt } from './connections/reachable-at.ts';
export { createRelay, type Relay, type RelayOptions } from './relay/relay.ts';
export type { StateRequest, StateTransfer } from './state/fetch.ts';
export { StateMemory } from './state/memory.ts';
export type { StateOffer } from './state/server.ts';
