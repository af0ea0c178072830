/**
 * Makes dist/web/functa.js of src/web/module.ts: `functa/web` for pages, one module with its worker, its element and its kernels.
 *
 *   node scripts/bundle-web.mjs
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The kernels of the prior in their small form, inflated before the module runs: base64 of what is not packed takes three times as much. */
const smallKernels = {
  name: 'small-kernels',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]network-wasm\.ts$/ }, () => ({
      resolveDir: join(root, 'prior', 'kernel'),
      loader: 'ts',
      contents: `
        import { inflated } from '../../src/engine/wasm/inflate.ts';
        import { smallNetworkWasm } from './network-small-wasm.ts';
        export const networkWasm = btoa(String.fromCharCode(...(await inflated(smallNetworkWasm))));`,
    }));
  },
};

const { outputFiles, metafile } = await build({
  entryPoints: [join(root, 'src', 'web', 'module.ts')],
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  legalComments: 'none',
  metafile: true,
  write: false,
  plugins: [smallKernels],
});
const foreign = Object.keys(metafile.inputs).filter((path) => path.includes('node_modules'));
if (foreign.length > 0) throw new Error(`functa/web has packages in it: ${foreign.join(', ')}`);
const [{ contents }] = outputFiles;
const made = join(root, 'dist', 'web');
mkdirSync(made, { recursive: true });
writeFileSync(join(made, 'functa.js'), contents);
console.log(`functa/web: ${contents.length} bytes, ${gzipSync(contents, { level: 9 }).length} gzipped`);
