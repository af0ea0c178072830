/**
 * Brings along what is used of development packages, so that an install of functa does not bring those packages:
 *
 *   tfjs.mjs        TensorFlow.js: the core, its gradients (which an import of the package in Node does not register)
 *                   and the cpu backend, whose kernels the `functa` backend starts from
 *   tfjs-wasm.mjs   TensorFlow.js's wasm backend, with its modules tfjs-backend-wasm*.wasm
 *   scalar.js       the browser's side of /docs
 *
 *   node scripts/bundle.mjs      writes to build/, and to dist/build/ where there is a dist/: the same path from both sources
 */
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);

const core = `
export * from '@tensorflow/tfjs-core';
export { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
// A few gradients (of gather with batches, for one) call methods of tensors.
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
`;
const wasm = `export { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';`;

/** Bundles modules of TensorFlow.js into one; about a second, 0.8 MB for the core. */
async function bundle(contents, outfile) {
  await build({
    stdin: { contents, resolveDir: root, sourcefile: 'tfjs-entry.js' },
    outfile,
    bundle: true,
    // Lines stay lines: Node prints the one an error comes from.
    minifySyntax: true,
    minifyIdentifiers: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // The ESM sources, not the packages' CommonJS builds: one copy of the core, and only what is used of it.
    mainFields: ['module', 'main'],
    banner: {
      js: [
        "import{createRequire as __functaRequire}from'node:module';",
        "import{dirname as __functaDirname}from'node:path';",
        "import{fileURLToPath as __functaPath}from'node:url';",
        'const require=__functaRequire(import.meta.url),',
        '__filename=__functaPath(import.meta.url),__dirname=__functaDirname(__filename);',
      ].join(''),
    },
    // Asked for only where Node has no fetch.
    external: ['node-fetch'],
    legalComments: 'eof',
    logLevel: 'warning',
  });
}

const made = join(root, 'build');
mkdirSync(made, { recursive: true });
await bundle(core, join(made, 'tfjs.mjs'));
await bundle(wasm, join(made, 'tfjs-wasm.mjs'));
const wasmFolder = dirname(require.resolve('@tensorflow/tfjs-backend-wasm'));
const modules = ['', '-simd', '-threaded-simd'].map((kind) => `tfjs-backend-wasm${kind}.wasm`);
for (const name of modules) copyFileSync(join(wasmFolder, name), join(made, name));
const scalar = new URL('js/standalone.js', import.meta.resolve('@scalar/fastify-api-reference'));
copyFileSync(scalar, join(made, 'scalar.js'));
const shipped = join(root, 'dist', 'build');
if (existsSync(dirname(shipped))) {
  mkdirSync(shipped, { recursive: true });
  for (const name of ['tfjs.mjs', 'tfjs-wasm.mjs', 'scalar.js', ...modules])
    copyFileSync(join(made, name), join(shipped, name));
}
