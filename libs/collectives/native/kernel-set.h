// Kernels over whole units of 64 bytes, compiled once for each instruction set by kernels.cc, which defines
//   SET            the namespace
//   TARGET         the attribute that lets a function use the instructions
//   VECTOR_BYTES   16, 32 or 64
// Subnormals count as zeros: the caller has set the processor so.

namespace SET {

typedef uint32_t Words __attribute__((vector_size(VECTOR_BYTES)));
typedef uint16_t Halves __attribute__((vector_size(VECTOR_BYTES)));
typedef float Floats __attribute__((vector_size(VECTOR_BYTES)));

constexpr size_t kLanesOfVector = VECTOR_BYTES / 4;

#define INLINE TARGET static inline __attribute__((always_inline))

INLINE Words Load(const void *at) {
  Words words;
  memcpy(&words, at, sizeof words);
  return words;
}

/** The same, read once and never again, as another process may write there. */
INLINE Words LoadOnce(const void *at) {
  Words words = Load(at);
#if VECTOR_BYTES == 64
  asm volatile("" : "+v"(words));
#else
  asm volatile("" : "+x"(words));
#endif
  return words;
}

INLINE void Store(void *at, Words words) { memcpy(at, &words, sizeof words); }

/** Sums of products of signed halves, in pairs. */
INLINE Words DotHalves(Words left, Words right) {
#if VECTOR_BYTES == 64
  return (Words)_mm512_madd_epi16((__m512i)left, (__m512i)right);
#elif VECTOR_BYTES == 32
  return (Words)_mm256_madd_epi16((__m256i)left, (__m256i)right);
#else
  return (Words)_mm_madd_epi16((__m128i)left, (__m128i)right);
#endif
}

/** The rows of a vector have 8 words each, so a vector is a part of a row, a row or several. */
constexpr size_t kVectorsOfRow = VECTOR_BYTES < kRowBytes ? kRowBytes / VECTOR_BYTES : 1;
constexpr size_t kRowsOfVector = VECTOR_BYTES > kRowBytes ? VECTOR_BYTES / kRowBytes : 1;

template <bool kCopies>
TARGET static __attribute__((noinline)) void WeighOf(uint8_t *copy, const uint8_t *from, size_t num_bytes,
                                                     size_t first_byte, Lanes *lanes) {
  Words plain[kVectorsOfRow] = {}, weighed[kVectorsOfRow] = {};
  Halves weights, step;
  for (size_t half = 0; half < VECTOR_BYTES / 2; half++) {
    const uint32_t of_half = half % 2 == 0 ? kWeightStep : kWeightStep >> 16;
    weights[half] = static_cast<uint16_t>(of_half * static_cast<uint32_t>(first_byte / kRowBytes + half / 16));
    step[half] = static_cast<uint16_t>(of_half * kRowsOfVector);
  }
  for (size_t at = 0; at < num_bytes; at += VECTOR_BYTES * kVectorsOfRow) {
#pragma GCC unroll 2
    for (size_t part = 0; part < kVectorsOfRow; part++) {
      const Words words = LoadOnce(from + at + part * VECTOR_BYTES);
      if (kCopies) Store(copy + at + part * VECTOR_BYTES, words);
      plain[part] += words;
      weighed[part] += DotHalves(words, (Words)weights);
    }
    weights += step;
  }
  for (size_t part = 0; part < kVectorsOfRow; part++)
    for (size_t lane = 0; lane < kLanesOfVector; lane++) {
      const size_t column = (part * kLanesOfVector + lane) % kNumLanes;
      lanes->plain[column] += plain[part][lane];
      lanes->weighed[column] += weighed[part][lane];
    }
}

TARGET static void Weigh(const uint8_t *from, size_t num_bytes, size_t first_byte, Lanes *lanes) {
  WeighOf<false>(nullptr, from, num_bytes, first_byte, lanes);
}

TARGET static void CopyWeighed(uint8_t *copy, const uint8_t *from, size_t num_bytes, size_t first_byte, Lanes *lanes) {
  WeighOf<true>(copy, from, num_bytes, first_byte, lanes);
}

INLINE Words RoundedSum(Words left, Words right) {
  const Words sum = (Words)((Floats)left + (Floats)right);
  return sum + ((sum >> 16) & 1) + 0x7fff;
}

/** target = left + right; any two of them may be the same. */
TARGET static void AddFp32(uint8_t *target, const uint8_t *left, const uint8_t *right, size_t num_bytes) {
  for (size_t at = 0; at < num_bytes; at += VECTOR_BYTES)
    Store(target + at, (Words)((Floats)Load(left + at) + (Floats)Load(right + at)));
}

/** The same for bf16, rounded to the nearest, ties to even. A NaN made of bf16 has no bit that could carry. */
TARGET static void AddBf16(uint8_t *target, const uint8_t *left, const uint8_t *right, size_t num_bytes) {
  for (size_t at = 0; at < num_bytes; at += VECTOR_BYTES) {
    const Words a = Load(left + at), b = Load(right + at);
    const Words low = RoundedSum(a << 16, b << 16) >> 16;
    const Words high = RoundedSum(a & 0xffff0000u, b & 0xffff0000u) & 0xffff0000u;
    Store(target + at, low | high);
  }
}

/** Stores past the caches: what is copied is next read by somebody else. */
INLINE void StoreFar(void *at, Words words) {
#if VECTOR_BYTES == 64
  _mm512_stream_si512(static_cast<__m512i *>(at), (__m512i)words);
#elif VECTOR_BYTES == 32
  _mm256_stream_si256(static_cast<__m256i *>(at), (__m256i)words);
#else
  _mm_stream_si128(static_cast<__m128i *>(at), (__m128i)words);
#endif
}

template <bool kCopies>
TARGET static __attribute__((noinline)) void DigestOf(uint8_t *copy, const uint8_t *from, size_t num_bytes,
                                                      uint32_t first_index, Sums *sums) {
  constexpr size_t kVectorsOfUnit = kUnitBytes / VECTOR_BYTES;
  Words first[kVectorsOfUnit] = {}, second[kVectorsOfUnit] = {};
  Words keys;
  for (size_t lane = 0; lane < kLanesOfVector; lane++)
    keys[lane] = static_cast<uint32_t>(first_index + lane) * kDigestKey;
  for (size_t at = 0; at < num_bytes; at += kUnitBytes) {
#pragma GCC unroll 4
    for (size_t part = 0; part < kVectorsOfUnit; part++) {
      const Words words = LoadOnce(from + at + part * VECTOR_BYTES);
      if (kCopies) StoreFar(copy + at + part * VECTOR_BYTES, words);
      Words hash = words + keys;
      hash ^= hash >> 16;
      hash *= kDigestFirstFactor;
      hash ^= hash >> 15;
      first[part] += hash;
      hash *= kDigestSecondFactor;
      hash ^= hash >> 16;
      second[part] += hash;
      keys += static_cast<uint32_t>(kLanesOfVector) * kDigestKey;
    }
  }
  for (size_t part = 0; part < kVectorsOfUnit; part++)
    for (size_t lane = 0; lane < kLanesOfVector; lane++) {
      sums->first += first[part][lane];
      sums->second += second[part][lane];
    }
}

TARGET static void Digest(const uint8_t *from, size_t num_bytes, uint32_t first_index, Sums *sums) {
  DigestOf<false>(nullptr, from, num_bytes, first_index, sums);
}

TARGET static void CopyDigested(uint8_t *copy, const uint8_t *from, size_t num_bytes, uint32_t first_index, Sums *sums) {
  DigestOf<true>(copy, from, num_bytes, first_index, sums);
  _mm_sfence();
}

constexpr Kernels kKernels = {NAME, Weigh, CopyWeighed, Digest, CopyDigested, AddFp32, AddBf16};

#undef INLINE

}  // namespace SET
