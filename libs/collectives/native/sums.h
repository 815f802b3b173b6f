// What kernels make of chunks, which need not be whole units long.
#pragma once

#include <vector>

#include "kernels.h"

/** A block's part of a chunk. */
struct Source {
  const uint8_t *start;
  /** Of a peer, who may be writing to it: its bytes are read once, and summed as they are added. */
  bool is_foreign;
};

/** The sum at `left` becomes left + right; positions are those of sources. */
struct Addition {
  uint32_t left;
  uint32_t right;
};

struct SumOfChunk {
  /** May be where a source of this member's starts. */
  uint8_t *target;
  size_t num_bytes;
  bool is_bf16;
  /** Place of the chunk's first word in the whole vector. */
  uint32_t first_index;
};

/** As payload-sums.ts has them. */
Sums PayloadSumsOf(const Kernels &kernels, const uint8_t *from, size_t num_bytes);

Sums DigestOf(const Kernels &kernels, const uint8_t *from, size_t num_bytes, uint32_t first_index);

/** @returns the digest of the very bytes that were copied */
Sums CopyDigestedOf(const Kernels &kernels, uint8_t *target, const uint8_t *from, size_t num_bytes, uint32_t first_index);

/**
 * Carries the additions out in order; the last one leaves the result at the target, or the only source, where there is none. Sources and target
 * own all of their last unit.
 * @param of_sources - by source: the payload sums of the foreign ones
 * @returns the digest of the result
 */
Sums SumSources(const Kernels &kernels, const SumOfChunk &chunk, const std::vector<Source> &sources,
                const std::vector<Addition> &additions, std::vector<Sums> *of_sources);
