/**
 * How much a decoded picture differs from its original to the eye, by tools of JPEG XL's authors, one process a picture. Each tool is
 * found by trying it; one that is not here says how to install it.
 *
 *   SSIMULACRA 2   100 equal, 90 not to be told apart, 50 medium, below 0 very bad (J. Sneyers, 2022); libjxl from 0.8 on
 *   SSIMULACRA     0 equal, 1 very bad: structural similarity at several scales, and edges that one side has alone (J. Sneyers, 2017)
 *   Butteraugli    0 equal, below 1 not to be told apart, above 3 bad: the third norm of its map (J. Alakuijala and others, 2017)
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EnvironmentError } from '../../src/core/errors.ts';
import { imageOf, type Picture } from '../../src/jobs/peer-codecs.ts';

const run = promisify(execFile);

/** A tool that measures. */
export interface MeasureTool {
  readonly key: string;
  readonly name: string;
  readonly command: string;
  /** Where in what the command prints the score stands. */
  readonly pattern: RegExp;
  readonly better: 'higher' | 'lower';
  /** Of two equal pictures. */
  readonly equal: number;
  /** Scores are printed with so many digits. */
  readonly digits: number;
  readonly install: string;
}

export const measureTools: readonly MeasureTool[] = [
  {
    key: 'ssimulacra2',
    name: 'SSIMULACRA 2',
    command: 'ssimulacra2',
    pattern: /(-?\d+\.\d+)\s*$/,
    better: 'higher',
    equal: 100,
    digits: 2,
    install: 'libjxl-devtools of Debian 13, or libjxl 0.8 or later built with -DJPEGXL_ENABLE_DEVTOOLS=ON',
  },
  {
    key: 'ssimulacra',
    name: 'SSIMULACRA',
    command: 'ssimulacra_main',
    pattern: /(\d+\.\d+)\s*$/,
    better: 'lower',
    equal: 0,
    digits: 4,
    install: 'apt-get install libjxl-devtools',
  },
  {
    key: 'butteraugli',
    name: 'Butteraugli',
    command: 'butteraugli_main',
    pattern: /3-norm: (\d+\.\d+)/,
    better: 'lower',
    equal: 0,
    digits: 3,
    install: 'apt-get install libjxl-devtools',
  },
];

/** A measure that can be taken here. */
export interface Measure extends Omit<MeasureTool, 'command' | 'pattern' | 'install'> {
  /** The score of `decoded` against `original`: of one size, grey or RGB. Throws EnvironmentError `measure-failed`. */
  score(original: Picture, decoded: Picture): Promise<number>;
}

export interface OpenMeasures {
  readonly measures: readonly Measure[];
  /** A line for each tool that is not here. */
  readonly absent: readonly string[];
  close(): Promise<void>;
}

/** The measures whose tools are here; pictures are handed to them in a directory of their own until `close`. */
export async function openMeasures(tools: readonly MeasureTool[] = measureTools): Promise<OpenMeasures> {
  const directory = await mkdtemp(join(tmpdir(), 'functa-measures-'));
  const measures: Measure[] = [];
  const absent: string[] = [];
  for (const { command, pattern, install, ...tool } of tools) {
    if (await isHere(command)) measures.push({ ...tool, score: scoreBy(command, pattern, directory) });
    else absent.push(`${tool.name} is left out: ${command} is not here; install it (${install})`);
  }
  return { measures, absent, close: () => rm(directory, { recursive: true, force: true }) };
}

/** Without pictures every one of them prints its usage and fails; what cannot be started is not here. */
async function isHere(command: string): Promise<boolean> {
  try {
    await run(command, []);
    return true;
  } catch (error) {
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string };
    return code !== 'ENOENT' && !stderr.includes('error while loading shared libraries');
  }
}

function scoreBy(command: string, pattern: RegExp, directory: string): Measure['score'] {
  let taken = 0;
  return async (original, decoded) => {
    const at = taken++;
    const paths = [original, decoded].map((_, side) => join(directory, `${command}-${at}-${side}.png`));
    await Promise.all(
      [original, decoded].map((picture, side) => imageOf(picture).png().toFile(paths[side]!)),
    );
    try {
      const { stdout, stderr } = await run(command, paths);
      const found = pattern.exec(`${stderr}${stdout}`.trim());
      if (found === null) throw new Error(`it printed '${stdout.trim()}'`);
      return Number(found[1]);
    } catch (error) {
      const { stderr, message } = error as { stderr?: string; message?: string };
      throw new EnvironmentError('bench-measure-failed', `${command} failed: ${stderr?.trim() || message}`, {
        cause: error,
      });
    } finally {
      await Promise.all(paths.map((path) => rm(path, { force: true })));
    }
  };
}
