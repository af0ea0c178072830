/**
 * Makes dist/web/functa.js of src/web/module.ts: `functa/web` for pages, one module with its worker, its element and its kernels.
 *
 *   node scripts/bundle-web.mjs
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { minify } from 'terser';
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
    // Pages read, by kernels: a reader is not opened where they are refused.
    if (/[\\/]walk-writing\.ts$/.test(id)) return 'export const writeByKernel = () => false;';
    if (/[\\/]cell-network\.ts$/.test(id))
      return "export const referenceNetwork = () => { throw new Error('no kernels'); };";
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
    write: false,
    modulePreload: false,
    rolldownOptions: {
      input: join(root, 'src', 'web', 'module.ts'),
      // What nothing uses is left out: checks of arguments that no verb here takes.
      treeshake: { manualPureFunctions: ['kind', 'having', 'optionsOf', 'listOf', 'maybe'] },
      preserveEntrySignatures: 'strict',
      output: {
        format: 'es',
        entryFileNames: 'functa.js',
        codeSplitting: false,
      },
    },
  },
});
const { code } = await minify(output[0].code, {
  ...{
    module: true,
    ecma: 2022,
    compress: {
      passes: 3,
      unsafe_arrows: true,
      unsafe_methods: true,
      pure_getters: true,
      hoist_props: true,
      keep_fargs: false,
      unsafe_math: false,
      unsafe_comps: true,
      unsafe_proto: true,
      booleans_as_integers: false,
      inline: 3,
      reduce_funcs: true,
    },
    format: { comments: false },
  },
  mangle: { reserved: ['functaKernels'] },
});
const bytes = Buffer.from(`${code}${kernels}`);
mkdirSync(join(root, 'dist', 'web'), { recursive: true });
writeFileSync(join(root, 'dist', 'web', 'functa.js'), bytes);
console.log(`functa/web: ${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} gzipped`);
