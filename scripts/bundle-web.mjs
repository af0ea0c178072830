/**
 * Makes dist/web/functa.js of src/web/module.ts: `functa/web` for pages, one module with its worker, its element and its kernels.
 *
 *   node scripts/bundle-web.mjs
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The kernels of the prior in their small form, inflated before the module runs: base64 of what is not packed takes three times as much. */
const smallKernels = {
  name: 'small-kernels',
  enforce: 'pre',
  load(id) {
    if (!/[\\/]network-wasm\.ts$/.test(id)) return undefined;
    return `
      import { inflated } from '../../src/engine/wasm/inflate.ts';
      import { smallNetworkWasm } from './network-small-wasm.ts';
      export const networkWasm = btoa(String.fromCharCode(...(await inflated(smallNetworkWasm))));`;
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
      output: { format: 'es', entryFileNames: 'functa.js', codeSplitting: false, comments: false },
    },
  },
});
const bytes = Buffer.from(output[0].code);
console.log(`functa/web: ${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} gzipped`);
