import { SetupFailure } from './failure.mjs';

/**
 * @typedef {object} Edit
 * @property {string} file
 * @property {string} find - must occur exactly once
 * @property {string} replace
 */

/** Changes to the C++ of @tensorflow/tfjs-node-gpu 4.22.0. @type {readonly Edit[]} */
export const addonPatch = [
  // Reading a large tensor hands its buffer to JavaScript instead of copying it.
  {
    file: 'tfjs_backend.cc',
    find: `  napi_value array_buffer_value;
  void *array_buffer_data;
  napi_status nstatus;
  nstatus = napi_create_arraybuffer(env, byte_length, &array_buffer_data,
                                    &array_buffer_value);
  ENSURE_NAPI_OK(env, nstatus);

  // TFE_TensorHandleResolve can use a shared data pointer, memcpy() the
  // current value to the newly allocated NAPI buffer.
  memcpy(array_buffer_data, TF_TensorData(tensor.tensor), byte_length);
`,
    replace: `  napi_value array_buffer_value;
  void *array_buffer_data = TF_TensorData(tensor.tensor);
  napi_status nstatus;
  if (byte_length < kSmallestHandover) {
    void *copy;
    nstatus = napi_create_arraybuffer(env, byte_length, &copy,
                                      &array_buffer_value);
    ENSURE_NAPI_OK(env, nstatus);
    memcpy(copy, array_buffer_data, byte_length);
  } else {
    nstatus = napi_create_external_arraybuffer(
        env, array_buffer_data, byte_length, ReleaseTensor, tensor.tensor,
        &array_buffer_value);
    ENSURE_NAPI_OK(env, nstatus);
    tensor.tensor = nullptr;  // Owned by the ArrayBuffer from here on.
  }
`,
  },
  {
    file: 'tfjs_backend.cc',
    find: `// Callback to cleanup extra reference count for shared V8/TF tensor memory:
static void DeallocTensor(void *data, size_t len, void *arg) {
  NapiAutoRef *auto_ref = static_cast<NapiAutoRef *>(arg);
  if (!auto_ref) {
#if DEBUG
    fprintf(stderr, "Invalid NapiAutoRef reference passed to V8 cleanup\\n");
#endif
    return;
  }
  if (auto_ref->Cleanup() != napi_ok) {
#if DEBUG
    fprintf(stderr, "Exception cleaning up napi_ref instance\\n");
#endif
  }
  delete auto_ref;
}
`,
    replace: `// Copying less than this is cheaper than tracking the memory.
static const size_t kSmallestHandover = 1 << 20;

// Finalizer of an ArrayBuffer that shows a tensor's memory.
static void ReleaseTensor(napi_env env, void *data, void *tensor) {
  TF_DeleteTensor(static_cast<TF_Tensor *>(tensor));
}
`,
  },
  // A new tensor always owns its memory. Upstream shares that of the JavaScript array when it happens to be 64-byte
  // aligned: writing to the array later then changes the tensor, and TensorFlow's threads may release V8 references.
  {
    file: 'tfjs_backend.cc',
    find: `  // Sharing V8 memory with the underlying TensorFlow tensor requires adding an
  // additional refcount. When the Tensor is deleted, the refcount will be
  // reduced in the callback helper.
  NapiAutoRef *auto_ref = new NapiAutoRef();
  nstatus = auto_ref->Init(env, array_value);
  if (nstatus != napi_ok) {
    delete auto_ref;
  }
  ENSURE_NAPI_OK_RETVAL(env, nstatus, nullptr);

`,
    replace: '',
  },
  {
    file: 'tfjs_backend.cc',
    find: `  TF_AutoTensor tensor(TF_NewTensor(dtype, shape, shape_length, array_data,
                                    byte_size, DeallocTensor, auto_ref));

  TF_AutoStatus tf_status;
  TFE_TensorHandle *tfe_tensor_handle =
      TFE_NewTensorHandle(tensor.tensor, tf_status.status);
  if (TF_GetCode(tf_status.status) != TF_OK) {
    delete auto_ref;
    TFE_DeleteTensorHandle(tfe_tensor_handle);
`,
    replace: `  TF_AutoTensor tensor(
      TF_AllocateTensor(dtype, shape, shape_length, byte_size));
  memcpy(TF_TensorData(tensor.tensor), array_data, byte_size);

  TF_AutoStatus tf_status;
  TFE_TensorHandle *tfe_tensor_handle =
      TFE_NewTensorHandle(tensor.tensor, tf_status.status);
  if (TF_GetCode(tf_status.status) != TF_OK) {
    TFE_DeleteTensorHandle(tfe_tensor_handle);
`,
  },
  // Copies a tensor to memory that the caller has: reading in place makes views that only a garbage collection releases.
  {
    file: 'tfjs_backend.h',
    find: `  napi_value GetTensorData(napi_env env, napi_value tensor_id_value);
`,
    replace: `  napi_value GetTensorData(napi_env env, napi_value tensor_id_value);

  // Copies the bytes of a tensor of any type to an array of as many:
  // - tensor_id_value (number)
  // - target (Uint8Array)
  void CopyTensorData(napi_env env, napi_value tensor_id_value,
                      napi_value target);
`,
  },
  {
    file: 'tfjs_backend.cc',
    find: `napi_value TFJSBackend::ExecuteOp(napi_env env, napi_value op_name_value,
`,
    replace: `void TFJSBackend::CopyTensorData(napi_env env, napi_value tensor_id_value,
                                 napi_value target) {
  int32_t tensor_id;
  ENSURE_NAPI_OK(env,
                 napi_get_value_int32(env, tensor_id_value, &tensor_id));
  auto tensor_entry = tfe_handle_map_.find(tensor_id);
  if (tensor_entry == tfe_handle_map_.end()) {
    NAPI_THROW_ERROR(
        env, "Copy called on a Tensor not referenced (tensor_id: %d)",
        tensor_id);
    return;
  }

  TF_AutoStatus tf_status;
  TF_AutoTensor tensor(
      TFE_TensorHandleResolve(tensor_entry->second, tf_status.status));
  ENSURE_TF_OK(env, tf_status);

  napi_typedarray_type type;
  size_t length;
  void *data;
  ENSURE_NAPI_OK(env, napi_get_typedarray_info(env, target, &type, &length,
                                               &data, nullptr, nullptr));
  const size_t byte_length = TF_TensorByteSize(tensor.tensor);
  if (type != napi_uint8_array || length != byte_length) {
    NAPI_THROW_ERROR(env, "A tensor of %zu bytes needs a Uint8Array of as many",
                     byte_length);
    return;
  }
  memcpy(data, TF_TensorData(tensor.tensor), byte_length);
}

napi_value TFJSBackend::ExecuteOp(napi_env env, napi_value op_name_value,
`,
  },
  {
    file: 'tfjs_binding.cc',
    find: `static napi_value ExecuteOp(napi_env env, napi_callback_info info) {
`,
    replace: `static napi_value CopyTensor(napi_env env, napi_callback_info info) {
  size_t argc = 2;
  napi_value args[2];
  ENSURE_NAPI_OK_RETVAL(
      env, napi_get_cb_info(env, info, &argc, args, nullptr, nullptr), nullptr);
  if (argc < 2) {
    NAPI_THROW_ERROR(env, "copyTensor() takes a tensor ID and a Uint8Array");
    return nullptr;
  }
  TFJSBackend *const backend = GetTFJSBackend(env);
  if (backend) backend->CopyTensorData(env, args[0], args[1]);
  return nullptr;
}

static napi_value ExecuteOp(napi_env env, napi_callback_info info) {
`,
  },
  {
    file: 'tfjs_binding.cc',
    find: `      {"executeOp", nullptr, ExecuteOp, nullptr, nullptr, nullptr, napi_default,
`,
    replace: `      {"copyTensor", nullptr, CopyTensor, nullptr, nullptr, nullptr,
       napi_default, nullptr},
      {"executeOp", nullptr, ExecuteOp, nullptr, nullptr, nullptr, napi_default,
`,
  },
  // Runs a SavedModel in stages: in a thread of its own, and what its BerthHandOut nodes are given is taken up meanwhile. Other
  // runs then compute in the thread of their caller, since TensorFlow's is taken.
  {
    file: 'tfjs_backend.h',
    find: `                           napi_value input_op_names,
                           napi_value output_op_names);
`,
    replace: `                           napi_value input_op_names,
                           napi_value output_op_names,
                           napi_value run_id = nullptr);

  // A number for a run in stages, which the graph is fed: never 0, with which
  // nodes hand out nothing.
  napi_value NewRun(napi_env env);

  // Waits for what the next BerthHandOut node of a run is given. Nothing when
  // the run has ended, well or not.
  napi_value AwaitStage(napi_env env, napi_value run_id);

  // Waits for the end of a run in stages, and throws what it has failed with.
  void EndRun(napi_env env, napi_value run_id);
`,
  },
  {
    file: 'tfjs_backend.h',
    find: `  napi_value GenerateOutputTensorInfo(napi_env env, TFE_TensorHandle *handle);
`,
    replace: `  napi_value GenerateOutputTensorInfo(napi_env env, TFE_TensorHandle *handle);
  int num_staged_runs_ = 0;
`,
  },
  {
    file: 'tfjs_backend.cc',
    find: `                                      napi_value input_op_names_value,
                                      napi_value output_op_names_value) {
`,
    replace: `                                      napi_value input_op_names_value,
                                      napi_value output_op_names_value,
                                      napi_value run_id_value) {
`,
  },
  {
    file: 'tfjs_backend.cc',
    find: `  std::vector<TF_Tensor *> output_values(outputs.size(), nullptr);

  TF_SessionRun(savedmodel_entry->second.first, nullptr, inputs.data(),
                input_values.data(), num_input_ids, outputs.data(),
                output_values.data(), output_op_name_array.size(), nullptr, 0,
                nullptr, tf_status.status);
`,
    replace: `  if (run_id_value != nullptr) {
    for (const char *name : input_op_name_array) delete name;
    for (const char *name : output_op_name_array) delete name;
    int32_t run_id;
    ENSURE_NAPI_OK_RETVAL(
        env, napi_get_value_int32(env, run_id_value, &run_id), nullptr);
    StartRun(run_id, savedmodel_entry->second.first, inputs, input_values,
             outputs);
    num_staged_runs_++;
    return nullptr;
  }

  std::vector<TF_Tensor *> output_values(outputs.size(), nullptr);

  // RunOptions with inter_op_thread_pool = -1: the caller's thread.
  static const char kInCallersThread[] =
      "\\x18\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x01";
  const TF_Buffer in_callers_thread = {kInCallersThread,
                                       sizeof(kInCallersThread) - 1, nullptr};
  TF_SessionRun(savedmodel_entry->second.first,
                num_staged_runs_ == 0 ? nullptr : &in_callers_thread,
                inputs.data(), input_values.data(), num_input_ids,
                outputs.data(), output_values.data(),
                output_op_name_array.size(), nullptr, 0, nullptr,
                tf_status.status);
`,
  },
  {
    file: 'tfjs_backend.cc',
    find: `namespace tfnodejs {
`,
    replace: `// Of tensorflow/c/kernels.h and ops.h, which are no part of what is compiled
// against.
extern "C" {
typedef struct TF_OpDefinitionBuilder TF_OpDefinitionBuilder;
typedef struct TF_ShapeInferenceContext TF_ShapeInferenceContext;
typedef struct TF_KernelBuilder TF_KernelBuilder;
typedef struct TF_OpKernelConstruction TF_OpKernelConstruction;
typedef struct TF_OpKernelContext TF_OpKernelContext;
TF_OpDefinitionBuilder *TF_NewOpDefinitionBuilder(const char *name);
void TF_OpDefinitionBuilderAddAttr(TF_OpDefinitionBuilder *, const char *);
void TF_OpDefinitionBuilderAddInput(TF_OpDefinitionBuilder *, const char *);
void TF_OpDefinitionBuilderSetIsStateful(TF_OpDefinitionBuilder *, bool);
void TF_OpDefinitionBuilderSetShapeInferenceFunction(
    TF_OpDefinitionBuilder *,
    void (*)(TF_ShapeInferenceContext *, TF_Status *));
void TF_RegisterOpDefinition(TF_OpDefinitionBuilder *, TF_Status *);
TF_KernelBuilder *TF_NewKernelBuilder(const char *op, const char *device,
                                      void *(*create)(TF_OpKernelConstruction *),
                                      void (*compute)(void *,
                                                      TF_OpKernelContext *),
                                      void (*destroy)(void *));
void TF_RegisterKernelBuilder(const char *name, TF_KernelBuilder *,
                              TF_Status *);
int TF_NumInputs(TF_OpKernelContext *);
void TF_GetInput(TF_OpKernelContext *, int, TF_Tensor **, TF_Status *);
void TF_OpKernelContext_Failure(TF_OpKernelContext *, TF_Status *);
}

namespace tfnodejs {

// A run in stages: what its nodes hand out waits here.
struct StagedRun {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::vector<TF_Tensor *>> stages;
  bool has_ended = false;
  std::string error;
  std::thread thread;
};

static std::mutex staged_runs_mutex;
static std::unordered_map<int32_t, std::shared_ptr<StagedRun>> staged_runs;
static std::atomic<int32_t> next_run_id(1);

static std::shared_ptr<StagedRun> FindRun(int32_t run_id) {
  std::lock_guard<std::mutex> lock(staged_runs_mutex);
  auto found = staged_runs.find(run_id);
  return found == staged_runs.end() ? nullptr : found->second;
}

// BerthHandOut(run, values...): gives the values to whoever follows the run.
static void HandOut(void *, TF_OpKernelContext *context) {
  TF_AutoStatus tf_status;
  const int num_inputs = TF_NumInputs(context);
  std::vector<TF_Tensor *> inputs(num_inputs, nullptr);
  for (int i = 0; i < num_inputs; i++) {
    TF_GetInput(context, i, &inputs[i], tf_status.status);
    if (TF_GetCode(tf_status.status) != TF_OK) {
      for (int j = 0; j < i; j++) TF_DeleteTensor(inputs[j]);
      TF_OpKernelContext_Failure(context, tf_status.status);
      return;
    }
  }
  const int32_t run_id = *static_cast<int32_t *>(TF_TensorData(inputs[0]));
  TF_DeleteTensor(inputs[0]);
  inputs.erase(inputs.begin());
  const std::shared_ptr<StagedRun> run = run_id == 0 ? nullptr : FindRun(run_id);
  if (run == nullptr) {
    for (TF_Tensor *value : inputs) TF_DeleteTensor(value);
    return;
  }
  std::lock_guard<std::mutex> lock(run->mutex);
  run->stages.push_back(std::move(inputs));
  run->changed.notify_all();
}

static void NoShapes(TF_ShapeInferenceContext *, TF_Status *) {}

static std::string RegisterHandOut() {
  TF_AutoStatus tf_status;
  TF_OpDefinitionBuilder *op = TF_NewOpDefinitionBuilder("BerthHandOut");
  TF_OpDefinitionBuilderAddInput(op, "run: int32");
  TF_OpDefinitionBuilderAddInput(op, "values: T");
  TF_OpDefinitionBuilderAddAttr(op, "T: list(type)");
  TF_OpDefinitionBuilderSetIsStateful(op, true);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, NoShapes);
  TF_RegisterOpDefinition(op, tf_status.status);
  if (TF_GetCode(tf_status.status) != TF_OK)
    return TF_Message(tf_status.status);
  TF_KernelBuilder *kernel =
      TF_NewKernelBuilder("BerthHandOut", "CPU", nullptr, HandOut, nullptr);
  TF_RegisterKernelBuilder("BerthHandOut", kernel, tf_status.status);
  return TF_GetCode(tf_status.status) == TF_OK ? ""
                                               : TF_Message(tf_status.status);
}

static void StartRun(int32_t run_id, TF_Session *session,
                     const std::vector<TF_Output> &inputs,
                     const std::vector<TF_Tensor *> &input_values,
                     const std::vector<TF_Output> &outputs) {
  auto run = std::make_shared<StagedRun>();
  {
    std::lock_guard<std::mutex> lock(staged_runs_mutex);
    staged_runs[run_id] = run;
  }
  run->thread = std::thread([=] {
    TF_AutoStatus tf_status;
    std::vector<TF_Tensor *> values(outputs.size(), nullptr);
    TF_SessionRun(session, nullptr, inputs.data(), input_values.data(),
                  inputs.size(), outputs.data(), values.data(), outputs.size(),
                  nullptr, 0, nullptr, tf_status.status);
    for (TF_Tensor *value : input_values) TF_DeleteTensor(value);
    for (TF_Tensor *value : values)
      if (value != nullptr) TF_DeleteTensor(value);
    std::lock_guard<std::mutex> lock(run->mutex);
    if (TF_GetCode(tf_status.status) != TF_OK)
      run->error = TF_Message(tf_status.status);
    run->has_ended = true;
    run->changed.notify_all();
  });
}
`,
  },
  {
    file: 'tfjs_backend.cc',
    find: `napi_value TFJSBackend::GetNumOfSavedModels(napi_env env) {
`,
    replace: `napi_value TFJSBackend::NewRun(napi_env env) {
  napi_value run_id;
  ENSURE_NAPI_OK_RETVAL(
      env, napi_create_int32(env, next_run_id++, &run_id), nullptr);
  return run_id;
}

napi_value TFJSBackend::AwaitStage(napi_env env, napi_value run_id_value) {
  int32_t run_id;
  ENSURE_NAPI_OK_RETVAL(env, napi_get_value_int32(env, run_id_value, &run_id),
                        nullptr);
  const std::shared_ptr<StagedRun> run = FindRun(run_id);
  if (run == nullptr) {
    NAPI_THROW_ERROR(env, "No run in stages has ID %d", run_id);
    return nullptr;
  }
  std::vector<TF_Tensor *> values;
  {
    std::unique_lock<std::mutex> lock(run->mutex);
    run->changed.wait(
        lock, [&] { return !run->stages.empty() || run->has_ended; });
    if (run->stages.empty()) return nullptr;
    values = std::move(run->stages.front());
    run->stages.pop_front();
  }
  napi_value infos;
  ENSURE_NAPI_OK_RETVAL(
      env, napi_create_array_with_length(env, values.size(), &infos), nullptr);
  TF_AutoStatus tf_status;
  for (uint32_t i = 0; i < values.size(); i++) {
    TFE_TensorHandle *handle = TFE_NewTensorHandle(values[i], tf_status.status);
    TF_DeleteTensor(values[i]);
    ENSURE_NAPI_OK_RETVAL(
        env,
        napi_set_element(env, infos, i, GenerateOutputTensorInfo(env, handle)),
        nullptr);
  }
  return infos;
}

void TFJSBackend::EndRun(napi_env env, napi_value run_id_value) {
  int32_t run_id;
  ENSURE_NAPI_OK(env, napi_get_value_int32(env, run_id_value, &run_id));
  const std::shared_ptr<StagedRun> run = FindRun(run_id);
  if (run == nullptr) return;
  run->thread.join();
  num_staged_runs_--;
  for (const std::vector<TF_Tensor *> &values : run->stages)
    for (TF_Tensor *value : values) TF_DeleteTensor(value);
  {
    std::lock_guard<std::mutex> lock(staged_runs_mutex);
    staged_runs.erase(run_id);
  }
  if (!run->error.empty())
    NAPI_THROW_ERROR(env, "Session fail to run in stages with error: %s",
                     run->error.c_str());
}

napi_value TFJSBackend::GetNumOfSavedModels(napi_env env) {
`,
  },
  {
    file: 'tfjs_backend.cc',
    find: `  TF_SessionOptions *session_options = TF_NewSessionOptions();
`,
    replace: `  // Once for all threads that load the addon.
  static const std::string error = RegisterHandOut();
  if (!error.empty()) {
    NAPI_THROW_ERROR(env, "TensorFlow takes no operation of berth's: %s",
                     error.c_str());
    return nullptr;
  }

  TF_SessionOptions *session_options = TF_NewSessionOptions();
  // ConfigProto { graph_options { place_pruned_graph: true, rewrite_options {
  //   layout_optimizer: OFF, memory_optimization: NO_MEM_OPT, loop_optimization: OFF, meta_optimizer_iterations: ONE,
  //   implementation_selector: OFF, experimental_conditional_code_motion: OFF } } }
  // What is rewritten for devices, memory and loops XLA decides itself, and a second pass finds nothing that changes the bits.
  static const uint8_t config[] = {0x52, 0x12, 0x30, 0x01, 0x52, 0x0e, 0x08,
                                   0x02, 0x20, 0x01, 0x48, 0x02, 0x60, 0x01,
                                   0xb0, 0x01, 0x02, 0xf0, 0x01, 0x02};
  TF_AutoStatus config_status;
  TF_SetConfig(session_options, config, sizeof(config), config_status.status);
  if (TF_GetCode(config_status.status) != TF_OK) {
    TF_DeleteSessionOptions(session_options);
    NAPI_THROW_ERROR(env, "TensorFlow takes no such options: %s",
                     TF_Message(config_status.status));
    return nullptr;
  }
`,
  },
  {
    file: 'tfjs_backend.cc',
    find: `#include "tfjs_backend.h"
`,
    replace: `#include "tfjs_backend.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>
`,
  },
  {
    file: 'tfjs_binding.cc',
    find: `static napi_value GetNumOfTensors(napi_env env, napi_callback_info info) {
`,
    replace: `static napi_value NewRun(napi_env env, napi_callback_info info) {
  TFJSBackend *const backend = GetTFJSBackend(env);
  return backend ? backend->NewRun(env) : nullptr;
}

static napi_value StartSavedModel(napi_env env, napi_callback_info info) {
  size_t argc = 5;
  napi_value args[5];
  ENSURE_NAPI_OK_RETVAL(
      env, napi_get_cb_info(env, info, &argc, args, nullptr, nullptr), nullptr);
  if (argc < 5) {
    NAPI_THROW_ERROR(
        env, "startSavedModel() takes a run ID and what runSavedModel() does");
    return nullptr;
  }
  TFJSBackend *const backend = GetTFJSBackend(env);
  if (backend)
    backend->RunSavedModel(env, args[1], args[2], args[3], args[4], args[0]);
  return nullptr;
}

static napi_value AwaitStage(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value args[1];
  ENSURE_NAPI_OK_RETVAL(
      env, napi_get_cb_info(env, info, &argc, args, nullptr, nullptr), nullptr);
  if (argc < 1) {
    NAPI_THROW_ERROR(env, "awaitStage() takes a run ID");
    return nullptr;
  }
  TFJSBackend *const backend = GetTFJSBackend(env);
  return backend ? backend->AwaitStage(env, args[0]) : nullptr;
}

static napi_value EndRun(napi_env env, napi_callback_info info) {
  size_t argc = 1;
  napi_value args[1];
  ENSURE_NAPI_OK_RETVAL(
      env, napi_get_cb_info(env, info, &argc, args, nullptr, nullptr), nullptr);
  if (argc < 1) {
    NAPI_THROW_ERROR(env, "endRun() takes a run ID");
    return nullptr;
  }
  TFJSBackend *const backend = GetTFJSBackend(env);
  if (backend) backend->EndRun(env, args[0]);
  return nullptr;
}

static napi_value GetNumOfTensors(napi_env env, napi_callback_info info) {
`,
  },
  {
    file: 'tfjs_binding.cc',
    find: `      {"TF_Version", nullptr, nullptr, nullptr, nullptr, tf_version,
`,
    replace: `      {"newRun", nullptr, NewRun, nullptr, nullptr, nullptr, napi_default,
       nullptr},
      {"startSavedModel", nullptr, StartSavedModel, nullptr, nullptr, nullptr,
       napi_default, nullptr},
      {"awaitStage", nullptr, AwaitStage, nullptr, nullptr, nullptr,
       napi_default, nullptr},
      {"endRun", nullptr, EndRun, nullptr, nullptr, nullptr, napi_default,
       nullptr},
      {"TF_Version", nullptr, nullptr, nullptr, nullptr, tf_version,
`,
  },
  // Lets the loader tell this build from a stock one.
  {
    file: 'tfjs_binding.cc',
    find: `  EXPORT_INT_PROPERTY(TF_ATTR_SHAPE);
`,
    replace: `  EXPORT_INT_PROPERTY(TF_ATTR_SHAPE);
  AssignIntProperty(env, exports, "berthAddon", 3);
`,
  },
];

/**
 * @param {ReadonlyMap<string, string>} sources - file name to text
 * @param {readonly Edit[]} edits
 * @returns {Map<string, string>}
 * @throws SetupFailure when a passage to replace is not there exactly once
 */
export function applyEdits(sources, edits) {
  const patched = new Map(sources);
  for (const { file, find, replace } of edits) {
    const pieces = (patched.get(file) ?? '').split(find);
    if (pieces.length !== 2) {
      throw new SetupFailure(
        `the patch does not fit ${file} (a passage occurs ${pieces.length - 1} times)`,
        'install the pinned packages: npm ci --ignore-scripts',
      );
    }
    patched.set(file, pieces.join(replace));
  }
  return patched;
}
