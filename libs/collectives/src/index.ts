export {
  type Addition,
  alignedBlocks,
  assignBlocks,
  canonicalAdditions,
  type Contribution,
  sumContributions,
} from './blocks.ts';
export type { Endpoint } from './byte-source.ts';
export { damageFrame } from './damage-frame.ts';
export { vectorDigest } from './digest.ts';
export { DigestMemory } from './digest-memory.ts';
export type { StateLabel } from './control.ts';
export { createPeerNode, type JoinOptions, type PeerNode, type PeerNodeOptions } from './mesh.ts';
export type { BlockVector, ReduceRequest, ReduceResult, ViewSession } from './session.ts';
export type { StatePeer, StateRequest, StateTransfer } from './state/fetch.ts';
export { StateMemory } from './state/memory.ts';
export type { StateOffer } from './state/server.ts';
