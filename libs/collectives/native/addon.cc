// The N-API face of the kernels, and of memory that processes of one machine share.
#include <fcntl.h>
#include <node_api.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "kernels.h"
#include "sums.h"

namespace {

/** What makes a function return without a value; JavaScript sees it as an exception. */
struct Thrown {};

[[noreturn]] void Throw(napi_env env, const std::string &message, int error = 0) {
  const std::string text = error == 0 ? message : message + ": " + strerror(error);
  bool is_pending = false;
  napi_is_exception_pending(env, &is_pending);
  if (!is_pending) napi_throw_error(env, nullptr, text.c_str());
  throw Thrown();
}

void Require(napi_env env, bool holds, const char *what) {
  if (!holds) Throw(env, what);
}

void Check(napi_env env, napi_status status) { Require(env, status == napi_ok, "an argument has another type"); }

/** The memory of a peer, read only. */
struct Mapping {
  uint8_t *start;
  size_t num_bytes;

  void Release() {
    if (start != nullptr) munmap(start, num_bytes);
    start = nullptr;
    num_bytes = 0;
  }
};

constexpr napi_type_tag kMappingTag = {0x6265727468206d65, 0x6d6f72792070656e};

/** The arguments of a call, by position. */
class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info) : env_(env) {
    size_t count = kMost;
    Check(env, napi_get_cb_info(env, info, &count, values_, nullptr, nullptr));
  }

  napi_value operator[](size_t at) const { return values_[at]; }

  uint64_t Count(size_t at) const { return CountOf(values_[at]); }

  std::string Text(size_t at) const {
    char text[32];
    size_t length = 0;
    Check(env_, napi_get_value_string_utf8(env_, values_[at], text, sizeof text, &length));
    return std::string(text, length);
  }

  bool Is(size_t at, napi_valuetype type) const {
    napi_valuetype found;
    Check(env_, napi_typeof(env_, values_[at], &found));
    return found == type;
  }

  /** A typed array with elements of this many bytes. */
  template <typename Element>
  std::pair<Element *, size_t> Array(size_t at) const {
    napi_typedarray_type type;
    size_t length = 0;
    void *data = nullptr;
    Check(env_, napi_get_typedarray_info(env_, values_[at], &type, &length, &data, nullptr, nullptr));
    const size_t element_bytes = type == napi_uint8_array ? 1 : type == napi_uint32_array ? 4 : 0;
    Require(env_, element_bytes == sizeof(Element), "an array has another type");
    return {static_cast<Element *>(data), length};
  }

  /** A part of this member's own memory, which is an array of bytes. */
  uint8_t *Own(size_t memory, uint64_t start, uint64_t num_bytes) const {
    const auto [bytes, length] = Array<uint8_t>(memory);
    return bytes + Within(start, num_bytes, length);
  }

  Mapping *MappingAt(size_t at) const { return MappingOf(values_[at]); }

  /** A part of a peer's memory. */
  const uint8_t *Foreign(const Mapping &mapping, uint64_t start, uint64_t num_bytes) const {
    return mapping.start + Within(start, num_bytes, mapping.num_bytes);
  }

  Mapping *MappingOf(napi_value value) const {
    bool is_mapping = false;
    void *data = nullptr;
    napi_valuetype type;
    Check(env_, napi_typeof(env_, value, &type));
    Require(env_, type == napi_external, "this is no memory of a peer");
    Check(env_, napi_check_object_type_tag(env_, value, &kMappingTag, &is_mapping));
    Require(env_, is_mapping, "this is no memory of a peer");
    Check(env_, napi_get_value_external(env_, value, &data));
    return static_cast<Mapping *>(data);
  }

  uint64_t CountOf(napi_value value) const {
    double number = 0;
    Check(env_, napi_get_value_double(env_, value, &number));
    Require(env_, number >= 0 && number <= 9007199254740991.0, "a number is negative or too large");
    return static_cast<uint64_t>(number);
  }

 private:
  uint64_t Within(uint64_t start, uint64_t num_bytes, uint64_t length) const {
    Require(env_, start % kUnitBytes == 0, "a place is no multiple of 64 bytes");
    Require(env_, start <= length && num_bytes <= length - start, "a place is outside of the memory");
    return start;
  }

  static constexpr size_t kMost = 8;
  napi_env env_;
  napi_value values_[kMost];
};

napi_value Nothing(napi_env env) {
  napi_value value;
  Check(env, napi_get_undefined(env, &value));
  return value;
}

napi_value Number(napi_env env, double number) {
  napi_value value;
  Check(env, napi_create_double(env, number, &value));
  return value;
}

/** The kernels that this thread has chosen. */
const Kernels &KernelsOf(napi_env env) {
  void *data = nullptr;
  Check(env, napi_get_instance_data(env, &data));
  Require(env, data != nullptr, "this processor lacks SSE 4.1");
  return *static_cast<const Kernels *>(data);
}

/** chooseKernels(name?): the name of those that are used from now on, or undefined where this processor has none such. */
napi_value ChooseKernels(napi_env env, const Arguments &arguments) {
  const bool is_named = arguments.Is(0, napi_string);
  const std::string name = is_named ? arguments.Text(0) : "";
  const Kernels *kernels = FindKernels(is_named ? name.c_str() : nullptr);
  if (kernels == nullptr) return Nothing(env);
  Check(env, napi_set_instance_data(env, const_cast<Kernels *>(kernels), nullptr, nullptr));
  napi_value value;
  Check(env, napi_create_string_utf8(env, kernels->name, NAPI_AUTO_LENGTH, &value));
  return value;
}

/** createFile(): the descriptor of an empty file that has no name, lies in memory and never shrinks. */
napi_value CreateFile(napi_env env, const Arguments &) {
  const int file = memfd_create("berth-sums", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (file < 0) Throw(env, "no file in memory can be made", errno);
  if (fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK) < 0) {
    const int error = errno;
    close(file);
    Throw(env, "a file in memory cannot be sealed", error);
  }
  return Number(env, file);
}

/**
 * grow(file, memory, start): gives the file the length of the memory, an array of bytes, and puts its pages in the place of the memory's own
 * from `start` on, which must hold nothing yet.
 */
napi_value Grow(napi_env env, const Arguments &arguments) {
  const int file = static_cast<int>(arguments.Count(0));
  const auto [bytes, length] = arguments.Array<uint8_t>(1);
  const uint64_t start = arguments.Count(2);
  const uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const bool are_pages = reinterpret_cast<uintptr_t>(bytes) % page == 0 && length % page == 0 && start % page == 0;
  Require(env, are_pages && start < length, "the memory does not consist of pages");
  // A page that is missing when it is written to would end the process.
  int error;
  do error = posix_fallocate(file, static_cast<off_t>(start), static_cast<off_t>(length - start));
  while (error == EINTR);
  if (error != 0) Throw(env, "there is not enough memory to share", error);
  void *const place = mmap(bytes + start, length - start, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file,
                           static_cast<off_t>(start));
  if (place == MAP_FAILED) Throw(env, "memory cannot be shared", errno);
  return Nothing(env);
}

/** mapFile(file, numBytes): the memory of a peer, of a file that `createFile` made there, read only. */
napi_value MapFile(napi_env env, const Arguments &arguments) {
  const int file = static_cast<int>(arguments.Count(0));
  const size_t num_bytes = arguments.Count(1);
  struct stat found;
  if (fstat(file, &found) < 0) Throw(env, "the peer's memory cannot be looked at", errno);
  Require(env, static_cast<uint64_t>(found.st_size) >= num_bytes, "the peer's memory is shorter than it said");
  // A file that shrinks would end the processes that read it.
  const int seals = fcntl(file, F_GET_SEALS);
  Require(env, seals >= 0 && (seals & F_SEAL_SHRINK) != 0, "the peer's memory is no file that keeps its length");
  void *const start = mmap(nullptr, num_bytes, PROT_READ, MAP_SHARED, file, 0);
  if (start == MAP_FAILED) Throw(env, "the peer's memory cannot be mapped", errno);
  auto *const mapping = new Mapping{static_cast<uint8_t *>(start), num_bytes};
  const auto finalize = [](napi_env, void *data, void *) {
    auto *const own = static_cast<Mapping *>(data);
    own->Release();
    delete own;
  };
  napi_value value;
  if (napi_create_external(env, mapping, finalize, nullptr, &value) != napi_ok) {
    finalize(env, mapping, nullptr);
    Throw(env, "no handle can be made");
  }
  Check(env, napi_type_tag_object(env, value, &kMappingTag));
  return value;
}

/** unmap(mapping): lets go of it; it has no bytes any more. */
napi_value Unmap(napi_env env, const Arguments &arguments) {
  arguments.MappingAt(0)->Release();
  return Nothing(env);
}

/** startsWith(mapping, bytes): whether a peer's memory does. */
napi_value StartsWith(napi_env env, const Arguments &arguments) {
  const auto [bytes, length] = arguments.Array<uint8_t>(1);
  const bool is_same = memcmp(arguments.Foreign(*arguments.MappingAt(0), 0, length), bytes, length) == 0;
  napi_value value;
  Check(env, napi_get_boolean(env, is_same, &value));
  return value;
}

/** Where a call puts the sums: the last argument, an array of words. */
uint32_t *SumsAt(napi_env env, const Arguments &arguments, size_t at, size_t num_words) {
  const auto [words, length] = arguments.Array<uint32_t>(at);
  Require(env, length >= num_words, "there is no room for the sums");
  return words;
}

void Put(uint32_t *words, const Sums &sums) {
  words[0] = sums.first;
  words[1] = sums.second;
}

/** payloadSums(memory, start, numBytes, sums) */
napi_value PayloadSums(napi_env env, const Arguments &arguments) {
  const uint64_t num_bytes = arguments.Count(2);
  const uint8_t *const from = arguments.Own(0, arguments.Count(1), num_bytes);
  Put(SumsAt(env, arguments, 3, 2), PayloadSumsOf(KernelsOf(env), from, num_bytes));
  return Nothing(env);
}

/** digest(memory, start, numBytes, firstIndex, sums) */
napi_value Digest(napi_env env, const Arguments &arguments) {
  const uint64_t num_bytes = arguments.Count(2);
  const uint8_t *const from = arguments.Own(0, arguments.Count(1), num_bytes);
  const auto first_index = static_cast<uint32_t>(arguments.Count(3));
  Put(SumsAt(env, arguments, 4, 2), DigestOf(KernelsOf(env), from, num_bytes, first_index));
  return Nothing(env);
}

/** copy(memory, start, mapping, numBytes, firstIndex, sums): from the same place in the peer's memory; the sums are the digest of what was copied. */
napi_value Copy(napi_env env, const Arguments &arguments) {
  const uint64_t start = arguments.Count(1), num_bytes = arguments.Count(3);
  uint8_t *const target = arguments.Own(0, start, num_bytes);
  const uint8_t *const from = arguments.Foreign(*arguments.MappingAt(2), start, num_bytes);
  const auto first_index = static_cast<uint32_t>(arguments.Count(4));
  Put(SumsAt(env, arguments, 5, 2), CopyDigestedOf(KernelsOf(env), target, from, num_bytes, first_index));
  return Nothing(env);
}

/**
 * sum(memory, target, numBytes, isBf16, firstIndex, sources, additions, sums): carries the additions of a chunk out. Each source is an array: the peer's
 * mapping, or null for this member's memory, and a place there. The sums are the digest of the result, then for each source of a peer what its
 * bytes are, as payloadSums gives it, and zeros for others.
 */
napi_value Sum(napi_env env, const Arguments &arguments) {
  const uint64_t num_bytes = arguments.Count(2);
  const uint64_t whole_bytes = (num_bytes + kUnitBytes - 1) / kUnitBytes * kUnitBytes;
  uint32_t num_sources = 0;
  Check(env, napi_get_array_length(env, arguments[5], &num_sources));
  std::vector<Source> sources(num_sources);
  for (uint32_t at = 0; at < num_sources; at++) {
    napi_value source, memory, place;
    Check(env, napi_get_element(env, arguments[5], at, &source));
    Check(env, napi_get_element(env, source, 0, &memory));
    Check(env, napi_get_element(env, source, 1, &place));
    napi_valuetype type;
    Check(env, napi_typeof(env, memory, &type));
    const uint64_t start = arguments.CountOf(place);
    sources[at] = type == napi_null
                      ? Source{arguments.Own(0, start, whole_bytes), false}
                      : Source{arguments.Foreign(*arguments.MappingOf(memory), start, whole_bytes), true};
  }
  const auto [positions, num_positions] = arguments.Array<uint32_t>(6);
  std::vector<Addition> additions(num_positions / 2);
  for (size_t at = 0; at < additions.size(); at++) {
    additions[at] = {positions[2 * at], positions[2 * at + 1]};
    const bool are_there = additions[at].left < num_sources && additions[at].right < num_sources;
    Require(env, are_there, "an addition has no source");
  }
  Require(env, num_sources > 0, "there is nothing to sum");
  uint32_t *const sums = SumsAt(env, arguments, 7, 2 + 2 * num_sources);
  const SumOfChunk chunk = {arguments.Own(0, arguments.Count(1), whole_bytes), num_bytes, arguments.Count(3) != 0,
                            static_cast<uint32_t>(arguments.Count(4))};
  std::vector<Sums> of_sources(num_sources);
  Put(sums, SumSources(KernelsOf(env), chunk, sources, additions, &of_sources));
  for (uint32_t at = 0; at < num_sources; at++) Put(sums + 2 + 2 * at, of_sources[at]);
  return Nothing(env);
}

template <napi_value (*kFunction)(napi_env, const Arguments &)>
napi_value Call(napi_env env, napi_callback_info info) {
  try {
    return kFunction(env, Arguments(env, info));
  } catch (const Thrown &) {
    return nullptr;
  }
}

template <napi_value (*kFunction)(napi_env, const Arguments &)>
void Export(napi_env env, napi_value exports, const char *name) {
  napi_value function;
  Check(env, napi_create_function(env, name, NAPI_AUTO_LENGTH, Call<kFunction>, nullptr, &function));
  Check(env, napi_set_named_property(env, exports, name, function));
}

}  // namespace

NAPI_MODULE_INIT() {
  try {
    Check(env, napi_set_instance_data(env, const_cast<Kernels *>(FindKernels(nullptr)), nullptr, nullptr));
    Export<ChooseKernels>(env, exports, "chooseKernels");
    Export<CreateFile>(env, exports, "createFile");
    Export<Grow>(env, exports, "grow");
    Export<MapFile>(env, exports, "mapFile");
    Export<Unmap>(env, exports, "unmap");
    Export<StartsWith>(env, exports, "startsWith");
    Export<PayloadSums>(env, exports, "payloadSums");
    Export<Digest>(env, exports, "digest");
    Export<Copy>(env, exports, "copy");
    Export<Sum>(env, exports, "sum");
  } catch (const Thrown &) {
    return nullptr;
  }
  return exports;
}
