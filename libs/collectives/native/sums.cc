#include "sums.h"

#include <algorithm>
#include <cstring>
#include <memory>

namespace {

/** What is gone through at a time: the pieces of all sources stay in the caches until they are added. */
constexpr size_t kPieceBytes = 8192;

size_t WholeUnits(size_t num_bytes) { return num_bytes / kUnitBytes * kUnitBytes; }

void AddToDigest(Sums *sums, uint32_t word, uint32_t index) {
  uint32_t hash = word + index * kDigestKey;
  hash = (hash ^ (hash >> 16)) * kDigestFirstFactor;
  hash ^= hash >> 15;
  sums->first += hash;
  hash *= kDigestSecondFactor;
  sums->second += hash ^ (hash >> 16);
}

void AddToDigest(Sums *sums, const uint8_t *words, size_t num_bytes, uint32_t first_index) {
  for (size_t at = 0; at < num_bytes; at += 4) {
    uint32_t word;
    memcpy(&word, words + at, 4);
    AddToDigest(sums, word, first_index + static_cast<uint32_t>(at / 4));
  }
}

/** @param tail - the words after the last whole unit */
Sums PayloadSumsOfLanes(const Lanes &lanes, const uint8_t *tail, size_t num_tail_bytes) {
  Sums plain, weighed;
  for (uint32_t lane = 0; lane < kNumLanes; lane++) {
    AddToDigest(&plain, lanes.plain[lane], lane);
    AddToDigest(&weighed, lanes.weighed[lane], lane);
  }
  AddToDigest(&plain, tail, num_tail_bytes, kNumLanes);
  AddToDigest(&weighed, tail, num_tail_bytes, kNumLanes);
  return {plain.first, weighed.second};
}

}  // namespace

Sums PayloadSumsOf(const Kernels &kernels, const uint8_t *from, size_t num_bytes) {
  const size_t whole = WholeUnits(num_bytes);
  Lanes lanes;
  kernels.weigh(from, whole, 0, &lanes);
  return PayloadSumsOfLanes(lanes, from + whole, num_bytes - whole);
}

Sums DigestOf(const Kernels &kernels, const uint8_t *from, size_t num_bytes, uint32_t first_index) {
  const size_t whole = WholeUnits(num_bytes);
  Sums sums;
  kernels.digest(from, whole, first_index, &sums);
  AddToDigest(&sums, from + whole, num_bytes - whole, first_index + static_cast<uint32_t>(whole / 4));
  return sums;
}

Sums CopyDigestedOf(const Kernels &kernels, uint8_t *target, const uint8_t *from, size_t num_bytes, uint32_t first_index) {
  const size_t whole = WholeUnits(num_bytes), tail = num_bytes - whole;
  Sums sums;
  kernels.copy_digested(target, from, whole, first_index, &sums);
  memcpy(target + whole, from + whole, tail);
  AddToDigest(&sums, target + whole, tail, first_index + static_cast<uint32_t>(whole / 4));
  return sums;
}

Sums SumSources(const Kernels &kernels, const SumOfChunk &chunk, const std::vector<Source> &sources,
                const std::vector<Addition> &additions, std::vector<Sums> *of_sources) {
  const SubnormalsAreZeros subnormals_are_zeros;
  const auto add = chunk.is_bf16 ? kernels.add_bf16 : kernels.add_fp32;
  // A piece for each source, of which those of this member that are not summed into need none.
  const std::unique_ptr<uint8_t[]> room(new uint8_t[sources.size() * kPieceBytes + kUnitBytes]);
  uint8_t *const pieces = room.get() + kUnitBytes - reinterpret_cast<uintptr_t>(room.get()) % kUnitBytes;
  std::vector<Lanes> lanes(sources.size());
  std::vector<const uint8_t *> nodes(sources.size());
  Sums digest;
  for (size_t at = 0; at < chunk.num_bytes; at += kPieceBytes) {
    const size_t num_bytes = std::min(kPieceBytes, chunk.num_bytes - at);
    const size_t whole = WholeUnits(num_bytes), tail = num_bytes - whole;
    const size_t num_unit_bytes = tail == 0 ? whole : whole + kUnitBytes;
    const auto piece = [&](size_t position) { return pieces + position * kPieceBytes; };
    for (size_t position = 0; position < sources.size(); position++) {
      const uint8_t *const from = sources[position].start + at;
      nodes[position] = from;
      if (!sources[position].is_foreign) continue;
      kernels.copy_weighed(piece(position), from, whole, at, &lanes[position]);
      if (tail > 0) memcpy(piece(position) + whole, from + whole, kUnitBytes);
      nodes[position] = piece(position);
      const bool is_last = at + num_bytes == chunk.num_bytes;
      if (is_last) (*of_sources)[position] = PayloadSumsOfLanes(lanes[position], piece(position) + whole, tail);
    }
    uint8_t *const target = chunk.target + at;
    for (size_t turn = 0; turn < additions.size(); turn++) {
      const auto [left, right] = additions[turn];
      uint8_t *const sum = turn + 1 == additions.size() ? target : piece(left);
      add(sum, nodes[left], nodes[right], num_unit_bytes);
      nodes[left] = sum;
    }
    if (additions.empty() && nodes[0] != target) memcpy(target, nodes[0], num_bytes);
    const auto first_index = chunk.first_index + static_cast<uint32_t>(at / 4);
    const Sums of_piece = DigestOf(kernels, target, num_bytes, first_index);
    digest.first += of_piece.first;
    digest.second += of_piece.second;
  }
  return digest;
}
