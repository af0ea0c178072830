// Compiles the package to dist/; with --if-changed only where its sources are others than those it was made of (npm prepares a package
// whenever it links it, and a service may run from dist/). Where the development dependencies are missing (an installed package) it goes on with
// the dist/ that was shipped.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isBuilt, noteBuilt, sourcesDigest } from './sources.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const program = join(root, 'dist', 'src', 'cli', 'main.js');

if (process.argv.includes('--if-changed') && isBuilt(root)) {
  console.log('functa: dist/ is of these sources');
} else if (existsSync(compiler)) {
  const digest = sourcesDigest(root);
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  run(compiler, '-p', 'tsconfig.build.json');
  chmodSync(program, 0o755);
  run(join(root, 'scripts', 'bundle.mjs'));
  run(join(root, 'scripts', 'bundle-web.mjs'));
  run(
    join(root, 'node_modules', 'vite', 'bin', 'vite.js'),
    'build',
    '--config',
    'server/studio/vite.config.ts',
  );
  run(join(root, 'scripts', 'pack-pages.mjs'));
  noteBuilt(root, digest);
} else if (existsSync(program)) {
  console.log('functa: TypeScript is not installed; dist/ stays as it is');
} else {
  console.log('functa: TypeScript is not installed, so dist/ was not built; run: npm ci --include=dev');
}

function run(...command) {
  const { status } = spawnSync(process.execPath, command, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
