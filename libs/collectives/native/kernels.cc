#include "kernels.h"

#include <immintrin.h>

#include <cstring>

#define SET sse
#define NAME "sse"
#define TARGET __attribute__((target("sse4.1")))
#define VECTOR_BYTES 16
#include "kernel-set.h"
#undef SET
#undef NAME
#undef TARGET
#undef VECTOR_BYTES

#define SET avx2
#define NAME "avx2"
#define TARGET __attribute__((target("avx2")))
#define VECTOR_BYTES 32
#include "kernel-set.h"
#undef SET
#undef NAME
#undef TARGET
#undef VECTOR_BYTES

#define SET avx512
#define NAME "avx512"
#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")))
#define VECTOR_BYTES 64
#include "kernel-set.h"

const Kernels *FindKernels(const char *name) {
  const struct {
    const Kernels &kernels;
    bool is_there;
  } sets[] = {
      {avx512::kKernels, __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")},
      {avx2::kKernels, __builtin_cpu_supports("avx2") != 0},
      {sse::kKernels, __builtin_cpu_supports("sse4.1") != 0},
  };
  for (const auto &set : sets)
    if (set.is_there && (name == nullptr || strcmp(name, set.kernels.name) == 0)) return &set.kernels;
  return nullptr;
}

namespace {
constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZeros = 0x0040;
}

SubnormalsAreZeros::SubnormalsAreZeros() : before_(_mm_getcsr()) { _mm_setcsr(before_ | kFlushToZero | kDenormalsAreZeros); }
SubnormalsAreZeros::~SubnormalsAreZeros() { _mm_setcsr(before_); }
