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
  // Lets the loader tell this build from a stock one.
  {
    file: 'tfjs_binding.cc',
    find: `  EXPORT_INT_PROPERTY(TF_ATTR_SHAPE);
`,
    replace: `  EXPORT_INT_PROPERTY(TF_ATTR_SHAPE);
  AssignIntProperty(env, exports, "berthAddon", 2);
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
