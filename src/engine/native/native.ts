/** The native engine: the kernel in C++, threads of its own, results independent of their number. */
import { createRequire } from 'node:module';
import { BugError, EnvironmentError } from '../../core/errors.ts';
import type { Engine } from '../engine.ts';
import { kernelEngine } from '../kernel-engine.ts';
import { type KernelRequest, tasks } from '../request.ts';
import type { DenseAddon } from '../tfjs/backend-dense.ts';
import { threadCount } from '../threads.ts';
import { multiplyOver } from './multiply.ts';

type NativeRequest = KernelRequest & { threads: number; isa?: string | undefined };

/** Dense kernels are absent from addons built before there were any. */
export interface NativeAddon extends Partial<Pick<DenseAddon, 'denseGemm' | 'denseThreads'>> {
  run(request: NativeRequest): Promise<void>;
  /** Works on the calling thread, alone, and returns when it is done; absent from addons built before there was one. */
  runHere?(request: NativeRequest): void;
  /** Instruction sets of this processor that the addon has code for, best first. */
  instructionSets(): string[];
  /** Knows fields whose last axis is a circle; absent from addons built before there were any. */
  readonly circles?: boolean;
  /** Knows derivatives by the coordinates; absent from addons built before it did. */
  readonly derivatives?: boolean;
  /** Keeps `threads` threads at multiply-adds for a while; returns the operations done, for the caller to time. */
  peak(iterations: number, threads: number): number;
}

export interface NativeOptions {
  readonly threads?: number | undefined;
  /** One of `instructionSets()`; the best by default. */
  readonly isa?: string | undefined;
  /** See EngineOptions. */
  readonly blocking?: boolean | undefined;
}

/** Throws EnvironmentError `native-absent` where the addon was not built. */
export function loadNative(): NativeAddon {
  const require = createRequire(import.meta.url);
  let cause: unknown;
  // The package's build folder, seen from the sources and from dist.
  const addon = process.env.FUNCTA_SANITIZE === '1' ? 'build/sanitize/functa.node' : 'build/functa.node';
  for (const path of [`../../../${addon}`, `../../../../${addon}`]) {
    try {
      return require(path) as NativeAddon;
    } catch (error) {
      cause ??= error;
    }
  }
  throw new EnvironmentError(
    'native-absent',
    'the native engine is not built here; install g++ and run: npm rebuild',
    {
      cause,
    },
  );
}

export async function openNative(options: NativeOptions = {}): Promise<Engine> {
  const addon = loadNative();
  const { isa, blocking = false } = options;
  if (blocking && addon.runHere === undefined) throw isOld();
  const threads = blocking ? 1 : threadCount(options.threads);
  const work = blocking ? async (request: NativeRequest) => addon.runHere?.(request) : addon.run;
  return kernelEngine({
    name: 'native',
    threads,
    multiply: multiplyOf(addon, threads),
    run: (request) => {
      if (request.wraps && addon.circles === undefined) throw isOld();
      if (request.task === tasks.derive && addon.derivatives === undefined) throw isOld();
      return runNative(work, { ...request, threads, isa });
    },
    close: async () => {},
  });
}

/** Threads of the dense kernels are those of the process: what opened last says how many. */
function multiplyOf({ denseGemm, denseThreads }: NativeAddon, threads: number): Engine['multiply'] {
  if (denseGemm === undefined) return undefined;
  denseThreads?.(threads);
  return multiplyOver({ denseGemm });
}

function isOld(): EnvironmentError {
  return new EnvironmentError(
    'native-absent',
    'the native engine was built from other sources; run: npm rebuild',
  );
}

/** Throws BugError for a request that the kernel refuses, EnvironmentError `out-of-memory`. */
async function runNative(
  work: (request: NativeRequest) => Promise<void>,
  request: NativeRequest,
): Promise<void> {
  try {
    await work(request);
  } catch (cause) {
    if ((cause as { code?: string }).code !== 'out-of-memory') throw new BugError((cause as Error).message);
    throw new EnvironmentError(
      'out-of-memory',
      'the native engine got no memory for this call; work on regions, or on smaller batches',
      { cause },
    );
  }
}
