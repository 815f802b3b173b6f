import { defineConfig } from 'vite';

/** Where `npm run dev` serves the API from. */
const api = process.env['BERTH_API'] ?? 'http://127.0.0.1:4199';

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  server: { host: '127.0.0.1', proxy: { '/api': api } },
  build: {
    outDir: 'dist/site',
    target: 'es2022',
    // An inlined asset would need data: in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
