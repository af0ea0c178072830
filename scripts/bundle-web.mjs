/**
 * Makes dist/web/functa.js of src/web/module.ts: `functa/web` for pages, one module with its worker, its element and its kernels.
 *
 *   node scripts/bundle-web.mjs
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { build } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));

const wasmOf = (name) => {
  const text = readFileSync(join(root, name), 'utf8');
  return gunzipSync(Buffer.from(/'([\w+/=]+)'/.exec(text)[1], 'base64'));
};
const reader = wasmOf('src/engine/reader/reader-wasm.ts');
const network = wasmOf('prior/kernel/network-small-wasm.ts');

/**
 * The kernels in their small form, as one text at the end of the module: a letter a byte, from `#` on, of which gzip makes what it makes of the
 * bytes themselves. Base64 of what was packed takes 20 % more among code, and letters of two kinds in one of its blocks take 10 % more.
 */
const first = 35;
const letters = String.fromCharCode(...[...reader, ...network].map((byte) => byte + first));
const kernels = `function functaKernels(){return"${letters.replaceAll('\\', '\\\\')}"}`;
const smallKernels = {
  name: 'small-kernels',
  enforce: 'pre',
  load(id) {
    if (/[\\/]reader[\\/]reader-wasm\.ts$/.test(id))
      return `export const readerWasm = functaKernels().slice(0, ${reader.length});`;
    if (/[\\/]reader[\\/]inflate\.ts$/.test(id))
      return `export const inflated = async (text) => Uint8Array.from(text, (c) => c.charCodeAt(0) - ${first});`;
    if (/[\\/]network-wasm\.ts$/.test(id))
      return `const bytes = [...functaKernels().slice(${reader.length})].map((c) => c.charCodeAt(0) - ${first});
        export const networkWasm = btoa(String.fromCharCode(...bytes));`;
    return undefined;
  },
};

/** Fails where a package came in. */
const noPackages = {
  name: 'no-packages',
  generateBundle() {
    const foreign = [...this.getModuleIds()].filter((path) => path.includes('node_modules'));
    if (foreign.length > 0) this.error(`functa/web has packages in it: ${foreign.join(', ')}`);
  },
};

const { output } = await build({
  configFile: false,
  root,
  logLevel: 'warn',
  plugins: [smallKernels, noPackages],
  build: {
    outDir: join(root, 'dist', 'web'),
    target: 'es2022',
    minify: 'oxc',
    modulePreload: false,
    rolldownOptions: {
      input: join(root, 'src', 'web', 'module.ts'),
      preserveEntrySignatures: 'strict',
      output: {
        format: 'es',
        entryFileNames: 'functa.js',
        codeSplitting: false,
        comments: false,
        footer: kernels,
      },
    },
  },
});
const bytes = Buffer.from(output[0].code);
console.log(`functa/web: ${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} gzipped`);
