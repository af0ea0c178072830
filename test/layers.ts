/** The rules that the folders stand for, checked on the text of the sources. */
import { dirname, join, normalize } from 'node:path/posix';
import { priorTable } from '../prior/kinds.ts';

export interface Source {
  /** From the root of the package, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** What each layer may import beside itself; the first prefix that fits a path names its layer. */
const layers: readonly (readonly [prefix: string, below: readonly string[]])[] = [
  ['src/core/', []],
  ['src/field/', ['src/core/']],
  ['src/signal/', ['src/field/', 'src/core/']],
  ['prior/train/', ['prior/', 'src/engine/', 'src/field/', 'src/core/']],
  ['prior/flow/', ['prior/train/', 'prior/', 'src/engine/', 'src/field/', 'src/core/']],
  ['prior/diffusion/', ['prior/train/', 'prior/', 'src/engine/', 'src/field/', 'src/core/']],
  ['prior/gaussian/', ['prior/train/', 'prior/', 'src/field/', 'src/core/']],
  [
    'prior/generative/',
    [
      'prior/flow/',
      'prior/diffusion/',
      'prior/gaussian/',
      'prior/train/',
      'prior/',
      'src/engine/',
      'src/field/',
      'src/core/',
    ],
  ],
  ['prior/', ['src/field/', 'src/core/']],
  ['codec/', ['prior/', 'src/field/', 'src/core/']],
  ['src/engine/', ['src/field/', 'src/core/']],
  ['src/disk/', ['src/core/']],
  ['src/formats/', ['src/signal/', 'src/field/', 'src/core/']],
  ['src/fit/', ['src/engine/', 'prior/', 'src/signal/', 'src/field/', 'src/core/']],
  ['src/learn/', ['src/fit/', 'src/engine/', 'src/signal/', 'src/field/', 'src/disk/', 'src/core/']],
  ['src/models/', ['prior/generative/', 'prior/', 'src/field/', 'src/disk/', 'src/core/']],
  ['src/functaset/', ['src/disk/', 'src/core/']],
  ['src/postgres/', ['src/functaset/', 'src/disk/', 'src/core/']],
  ['datasets/', ['src/formats/', 'src/signal/', 'src/disk/', 'src/field/', 'src/core/']],
  [
    'src/session/',
    [
      'src/functaset/',
      'src/models/',
      'src/fit/',
      'src/engine/',
      'codec/',
      'prior/',
      'src/formats/',
      'src/signal/',
      'src/field/',
      'src/core/',
    ],
  ],
  ['src/jobs/', ['src/session/', 'everything below']],
  ['src/query/', ['src/jobs/', 'everything below']],
  ['src/classify/', ['src/jobs/', 'everything below']],
  ['src/complete/', ['src/jobs/', 'everything below']],
  ['src/combine/', ['src/jobs/', 'everything below']],
  ['src/library/', ['src/jobs/', 'everything below']],
  ['server/', ['src/jobs/', 'everything below']],
  ['src/cli/', ['server/', 'src/jobs/', 'everything below']],
  ['src/web.ts', ['src/session/', 'everything below']],
  ['src/web/', ['src/web.ts', 'src/field/', 'src/core/']],
  ['src/index.ts', ['server/', 'src/jobs/', 'everything below']],
];

/** Layers whose code runs anywhere: in Node, in a worker, in a browser. */
const portable = ['src/core/', 'src/field/', 'src/signal/', 'prior/', 'codec/'];

/** Layers in which a float could decide a symbol: what engines round differently stays out. */
const exact = ['prior/', 'codec/'];

/** Who gives names to what was written, beside src/disk: directories of data, and the file of LMDB. */
const renaming = ['datasets/fetch/', 'src/functaset/rewrite.ts', 'src/jobs/demo.ts'];

/** Who names a kind of prior, beside prior/: a baseline that evaluations tell, and the space of paths that a flow has. */
const namingPriors = [
  'src/jobs/evaluate.ts',
  'src/cli/commands/eval.ts',
  'src/combine/spaces.ts',
  'src/cli/commands/combine.ts',
];

/** Who knows what a picture is or names a format, above src/formats, and why. Everything else asks a card or the registry. */
const namingKinds: Readonly<Record<string, string>> = {
  'datasets/sets/': 'a data set knows what its items are',
  'datasets/registry.ts': 'the list of data sets, some of which are of pictures',
  'datasets/folder.ts': 'crops of large pictures are cut from their 8-bit samples',
  'datasets/fetch/': 'names of files in packages',
  'src/jobs/peer': 'codecs of pictures that evaluations compare with',
  'server/routes/peers.ts': 'the same, to look at beside a function',
  'server/work/verbs/peer.ts': 'the same',
  'src/jobs/modulations-file.ts': 'arrays of modulations, which are no signals, for other programs',
  'src/cli/commands/store.ts': 'the same',
  'src/learn/recipe.ts': 'a member of recipe files is called pictures, and digests of recipes hold it',
  'src/learn/systems.ts': 'the same',
  'src/learn/outer-step.ts': 'the same',
  'src/web/': 'shows functions on the canvas of a page',
  'src/index.ts': 'the door gives the readers and writers of formats by name',
};

/** Layers that stand below src/formats, or beside it: what they are about is no file of a signal. */
const belowFormats = ['src/core/', 'src/field/', 'src/signal/', 'src/formats/', 'src/engine/', 'src/disk/'];

/** Every breach of the rules in these sources, one line each; tests and their helpers may import what they like. */
export function breaches(sources: readonly Source[]): string[] {
  return sources
    .filter(({ path }) => !/(\.test|\/testing|\/test-[a-z-]+)\.ts$/.test(path))
    .flatMap(({ path, text }) => {
      const code = withoutComments(text);
      const layer = layerOf(path);
      if (layer === undefined) return [`${path}: stands in no layer`];
      return [
        ...imports(code).flatMap((target) => importBreach(path, layer, target)),
        ...barrelBreaches(path, layer, code),
        ...wordBreaches(path, layer, code),
        ...kindBreaches(path, layer, code),
      ];
    });
}

function importBreach(path: string, layer: string, target: string): string[] {
  if (!target.startsWith('.')) {
    return portable.includes(layer) ? [`${path}: ${layer} is portable and imports ${target}`] : [];
  }
  if (!/\.(ts|js|mjs|json)$/.test(target)) return [`${path}: ${target} has no suffix`];
  const to = layerOf(normalize(join(dirname(path), target)));
  if (to === undefined || to === layer) return [];
  const below = layers.find(([prefix]) => prefix === layer)![1];
  const lower = layers.findIndex(([p]) => p === to) < layers.findIndex(([p]) => p === layer);
  const allowed = below.includes(to) || (below.includes('everything below') && lower);
  return allowed ? [] : [`${path}: ${layer} may not import ${to} (${target})`];
}

/** A barrel gives the names of its own room; the doors of the package alone give those of many. */
function barrelBreaches(path: string, layer: string, code: string): string[] {
  if (!path.endsWith('/index.ts') || layer === 'src/index.ts') return [];
  return [...code.matchAll(/\bexport\b[^'"`;()]*\bfrom\s*['"](\.\.[^'"]+)['"]/g)].map(
    ([, target]) => `${path}: a barrel gives the names of its own room, and not those of ${target}`,
  );
}

/** Layers that may import themselves by way of others: the table has none. */
export function cycles(): string[] {
  const below = (layer: string): readonly string[] => {
    const at = layers.findIndex(([prefix]) => prefix === layer);
    const named = layers[at]![1];
    const rest = named.includes('everything below') ? layers.slice(0, at).map(([prefix]) => prefix) : [];
    return [...named.filter((name) => name !== 'everything below'), ...rest];
  };
  return layers.flatMap(([layer]) => {
    const seen = new Set<string>();
    for (const next of [...below(layer)]) reach(next, seen);
    return seen.has(layer) ? [layer] : [];
  });
  function reach(layer: string, seen: Set<string>): void {
    if (seen.has(layer)) return;
    seen.add(layer);
    for (const next of below(layer)) reach(next, seen);
  }
}

function wordBreaches(path: string, layer: string, code: string): string[] {
  const found: string[] = [];
  if (portable.includes(layer)) {
    for (const [word] of code.matchAll(/(?<![.\w'"-])(process|Buffer|__dirname|require)\b(?=[.(])/g)) {
      found.push(`${path}: ${layer} is portable and uses ${word}`);
    }
  }
  if (layer !== 'src/disk/' && !renaming.some((place) => path.startsWith(place))) {
    for (const [word] of code.matchAll(/\brename(?:Sync)?(?=\()/g)) {
      found.push(`${path}: ${word} by itself; files are written by src/disk/whole.ts`);
    }
  }
  if (!layer.startsWith('prior/') && !namingPriors.includes(path)) {
    const kinds = priorTable.map(({ kind }) => kind).join('|');
    for (const [word] of code.matchAll(new RegExp(`(['"])(?:${kinds})\\1`, 'g'))) {
      found.push(`${path}: ${word} is a kind of prior; ask prior/kinds.ts for a property of it`);
    }
  }
  if (exact.includes(layer)) {
    for (const [word] of code.matchAll(
      /\bMath\.(?:a?(?:sin|cos|tan)h?|atan2|expm?1?|log(?:2|10|1p)?|pow|cbrt|hypot)\b|\*\*/g,
    )) {
      found.push(`${path}: ${word} differs from engine to engine in its last bit; use src/core/detmath.ts`);
    }
  }
  return found;
}

/** Above src/formats nothing names a picture, a pixel, a format or its suffix: kinds of signal are told by cards and the registry. */
function kindBreaches(path: string, layer: string, code: string): string[] {
  if (belowFormats.includes(layer) || layer.startsWith('prior/') || layer === 'codec/') return [];
  if (Object.keys(namingKinds).some((prefix) => path.startsWith(prefix))) return [];
  const words = code.matchAll(
    /picture|pixel|\bimages?(?![a-z])|(?<![a-z])(?:png|jpeg|webp|avif|npy)(?![a-z])/gi,
  );
  return [...new Set([...words].map(([word]) => word))].map(
    (word) => `${path}: names ${word}; ask the card of the model, or the registry in src/formats`,
  );
}

function layerOf(path: string): string | undefined {
  return layers.find(([prefix]) => path.startsWith(prefix))?.[0];
}

function imports(code: string): string[] {
  const pattern =
    /\b(?:import|export)\b[^'"`;()]*\bfrom\s*['"]([^'"]+)['"]|\bimport\s*\(?\s*['"]([^'"]+)['"]/g;
  return [...code.matchAll(pattern)].map((match) => match[1] ?? match[2]!);
}

/** What a module loads before it runs: neither types nor what it imports later. */
export function loadedAtOnce(text: string): string[] {
  const pattern = /^(?:import|export)\s(?!type\b)(?:[^'"`;()]*?\bfrom\s*)?['"]([^'"]+)['"]/gm;
  return [...withoutComments(text).matchAll(pattern)].map((match) => match[1]!);
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`\\])\/\/.*$/gm, '$1');
}
