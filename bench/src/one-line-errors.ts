/** Loaded before a benchmark: what is wrong with its options is told in one line, with the exit code of wrong usage. */
process.setUncaughtExceptionCaptureCallback((error: Error & { readonly code?: unknown }) => {
  const isUsage = error instanceof RangeError || String(error.code).startsWith('ERR_PARSE_ARGS');
  console.error(isUsage ? `error: ${error.message}; --help lists the options` : error);
  process.exit(isUsage ? 2 : 1);
});
