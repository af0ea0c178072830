/** Builds Studio into dist/studio: a page, a script and a style sheet, which server/routes/studio.ts serves. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: '/studio/',
  logLevel: 'warn',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  resolve: {
    alias: { 'functa/client': fileURLToPath(new URL('../client/client.ts', import.meta.url)) },
  },
  build: {
    outDir: fileURLToPath(new URL('../../dist/studio', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: false,
    assetsInlineLimit: 0,
    rolldownOptions: {
      external: ['functa/web'],
      output: {
        // The module that any page can use is the one that Studio reads with.
        paths: { 'functa/web': '/studio/functa.js' },
        entryFileNames: 'studio.js',
        assetFileNames: 'studio[extname]',
        codeSplitting: false,
      },
    },
  },
});
