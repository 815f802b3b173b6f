import { isBuiltin } from 'node:module';
import { brotliCompressSync, constants } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

/** Where `npm run dev` serves the API from. */
const api = process.env['BERTH_API'] ?? 'http://127.0.0.1:4199';

/** Puts a compressed copy beside each file, which the coordinator sends to browsers that take it. */
function compress(): Plugin {
  return {
    name: 'berth-compress',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_options, bundle) {
        for (const file of Object.values(bundle)) {
          if (file.fileName.endsWith('.woff2')) continue;
          const content = file.type === 'chunk' ? file.code : file.source;
          const source = brotliCompressSync(content, {
            params: { [constants.BROTLI_PARAM_QUALITY]: 9 },
          });
          this.emitFile({ type: 'asset', fileName: `${file.fileName}.br`, source });
        }
      },
    },
  };
}

/** Fails a build that needs a module of Node: in its place Vite puts one that throws in the browser, which leaves the page empty. */
function refuseNode(): Plugin {
  return {
    name: 'berth-refuse-node',
    apply: 'build',
    enforce: 'pre',
    resolveId(source, importer) {
      if (isBuiltin(source))
        this.error(
          `${importer} needs ${source}, which browsers do not have: take values from @berth/contracts/constants`,
        );
    },
  };
}

/** Has the browser fetch the letters of most pages along with the styles, so that text does not change its width once it shows. */
function preloadFont(): Plugin {
  return {
    name: 'berth-preload-font',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler: (_html, { bundle = {} }) =>
        Object.keys(bundle)
          .filter((name) => /inter-latin-wght-normal.*\.woff2$/.test(name))
          .map((name) => ({
            tag: 'link',
            attrs: { rel: 'preload', as: 'font', crossorigin: '', href: `/${name}` },
            injectTo: 'head',
          })),
    },
  };
}

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [refuseNode(), preloadFont(), compress()],
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
