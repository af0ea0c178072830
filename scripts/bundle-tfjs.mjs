/**
 * Bundles the parts of TensorFlow.js that train priors into one ESM file: the core, its gradients (which an import of
 * the package in Node does not register) and the cpu backend whose kernels the `functa` backend starts from.
 *
 *   node scripts/bundle-tfjs.mjs      writes build/tfjs.mjs for a checkout, and dist/tfjs.mjs where dist/ is there
 */
import { copyFileSync, existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

const entry = `
export * from '@tensorflow/tfjs-core';
export { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
// A few gradients (of gather with batches, for one) call methods of tensors.
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
`;

/** Writes the bundle; about a second, 0.8 MB. */
export async function bundleTensorFlow(outfile) {
  await build({
    stdin: { contents: entry, resolveDir: root, sourcefile: 'tfjs-entry.js' },
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
      js: "import{createRequire as __functaRequire}from'node:module';const require=__functaRequire(import.meta.url);",
    },
    // Asked for only where Node has no fetch.
    external: ['node-fetch'],
    legalComments: 'eof',
    logLevel: 'warning',
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await bundleTensorFlow(`${root}build/tfjs.mjs`);
  if (existsSync(`${root}dist`)) copyFileSync(`${root}build/tfjs.mjs`, `${root}dist/tfjs.mjs`);
}
