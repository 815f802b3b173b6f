// What an all-reduce computes, over whole units of 64 bytes, at any address.
#pragma once

#include <cstddef>
#include <cstdint>

/** Bytes of what kernels go through in one turn. */
constexpr size_t kUnitBytes = 64;

/** Of payload-sums.ts. */
constexpr size_t kNumLanes = 8;
constexpr size_t kRowBytes = 4 * kNumLanes;
constexpr uint32_t kWeightStep = 0x9e3779b1;

struct Lanes {
  uint32_t plain[kNumLanes] = {};
  uint32_t weighed[kNumLanes] = {};
};

/** Of word-digest.ts in @berth/contracts. */
constexpr uint32_t kDigestKey = 0x9e3779b1;
constexpr uint32_t kDigestFirstFactor = 0x7feb352d;
constexpr uint32_t kDigestSecondFactor = 0x846ca68b;

struct Sums {
  uint32_t first = 0;
  uint32_t second = 0;
};

/** The kernels for one instruction set; all give the same bits. */
struct Kernels {
  const char *name;
  /** Adds bytes to lanes; `first_byte` is the place of the first in what is weighed. */
  void (*weigh)(const uint8_t *from, size_t num_bytes, size_t first_byte, Lanes *lanes);
  /** The same, and copies the very bytes that it has weighed, whoever may write to them meanwhile. */
  void (*copy_weighed)(uint8_t *copy, const uint8_t *from, size_t num_bytes, size_t first_byte, Lanes *lanes);
  /** Adds words to sums; `first_index` is the place of the first in the whole vector. */
  void (*digest)(const uint8_t *from, size_t num_bytes, uint32_t first_index, Sums *sums);
  /** The same, and copies the very words that it has digested. */
  void (*copy_digested)(uint8_t *copy, const uint8_t *from, size_t num_bytes, uint32_t first_index, Sums *sums);
  /** target = left + right, all three of them apart or the same. */
  void (*add_fp32)(uint8_t *target, const uint8_t *left, const uint8_t *right, size_t num_bytes);
  void (*add_bf16)(uint8_t *target, const uint8_t *left, const uint8_t *right, size_t num_bytes);
};

/** The best ones that this processor has, of those named; null where it has none of that name. */
const Kernels *FindKernels(const char *name);

/** While one lives, this thread counts subnormal operands and results of fp32 as zeros of their sign. */
class SubnormalsAreZeros {
 public:
  SubnormalsAreZeros();
  ~SubnormalsAreZeros();
  SubnormalsAreZeros(const SubnormalsAreZeros &) = delete;
  SubnormalsAreZeros &operator=(const SubnormalsAreZeros &) = delete;

 private:
  const unsigned before_;
};
