/**
 * JPEG XL, JPEG 2000 and HEIC by the command-line tools of their libraries, one process a picture: their times hold the start of
 * a process and reading and writing small files.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { EnvironmentError } from '../../src/core/errors.ts';
import { imageOf, type Picture, samplesOf } from '../../src/jobs/peer-codecs.ts';
import type { PeerCodec, Timed, Variant } from './peer.ts';

const run = promisify(execFile);

/** Opened: the codec, or the line that says how to install it. */
export type ToolPeer =
  | { readonly key: string; readonly codec: PeerCodec }
  | { readonly key: string; readonly absent: string };

interface Tool {
  readonly key: string;
  readonly name: string;
  /** Commands that have to be there. */
  readonly commands: readonly string[];
  /** Debian package. */
  readonly debian: string;
  /** Command that prints the version, and where in its output. */
  readonly version: {
    readonly arguments: readonly string[];
    readonly pattern: RegExp;
    readonly note: string;
  };
  readonly variants: readonly ToolVariant[];
}

interface ToolVariant {
  readonly label: string;
  readonly settings: readonly number[];
  /** Suffixes of what goes in, of the coded file and of what comes out. */
  readonly files: readonly [input: 'ppm' | 'png', coded: string, output: 'ppm' | 'png'];
  encode(input: string, coded: string, setting: number, picture: Picture): [command: string, args: string[]];
  decode(coded: string, output: string): [command: string, args: string[]];
}

const tools: readonly Tool[] = [
  {
    key: 'jxl',
    name: 'JPEG XL',
    commands: ['cjxl', 'djxl'],
    debian: 'libjxl-tools',
    version: {
      arguments: ['--version'],
      pattern: /cjxl v(\S+)/,
      note: 'cjxl %, VarDCT, effort 7, bare codestream',
    },
    variants: [
      {
        label: 'distance',
        settings: [15, 12, 10, 8, 6.5, 5.5, 4.5, 3.75, 3, 2.5, 2, 1.6, 1.3, 1, 0.75, 0.5, 0.35, 0.25, 0.15],
        files: ['ppm', 'jxl', 'ppm'],
        encode: (input, coded, distance) => [
          'cjxl',
          [
            input,
            coded,
            '-d',
            String(distance),
            '-e',
            '7',
            '-m',
            '0',
            '--container=0',
            '--num_threads=0',
            '--quiet',
          ],
        ],
        decode: (coded, output) => ['djxl', [coded, output, '--num_threads=0', '--quiet']],
      },
    ],
  },
  {
    key: 'jp2',
    name: 'JPEG 2000',
    commands: ['opj_compress', 'opj_decompress'],
    debian: 'libopenjp2-tools',
    version: {
      arguments: ['-h'],
      pattern: /openjp2 library v(\S+?)\.?\s/,
      note: 'OpenJPEG %, irreversible 9/7, bare codestream',
    },
    variants: [
      {
        label: 'target',
        settings: [
          18, 20, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 38, 40, 42, 44, 47, 50,
        ],
        files: ['ppm', 'j2k', 'ppm'],
        encode: (input, coded, target, { width, height }) => [
          'opj_compress',
          ['-i', input, '-o', coded, '-I', '-q', String(target), '-n', String(resolutions(width, height))],
        ],
        decode: (coded, output) => ['opj_decompress', ['-i', coded, '-o', output, '-quiet']],
      },
    ],
  },
  {
    key: 'heic',
    name: 'HEIC',
    commands: ['heif-enc', 'heif-convert'],
    debian: 'libheif-examples',
    version: {
      arguments: ['-h'],
      pattern: /libheif version: (\S+)/,
      note: 'x265 by libheif %, preset slow, tuned for PSNR; stands in for BPG, which is HEVC in a smaller container',
    },
    variants: ([420, 444] as const).map((chroma) => ({
      label: String(chroma),
      settings: [2, 8, 14, 20, 26, 32, 38, 44, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 100],
      files: ['png', 'heic', 'png'] as const,
      encode: (input, coded, quality) => [
        'heif-enc',
        [
          '-q',
          String(quality),
          '-p',
          `chroma=${chroma}`,
          '-p',
          'preset=slow',
          '-p',
          'tune=psnr',
          '-o',
          coded,
          input,
        ],
      ],
      decode: (coded, output) => ['heif-convert', [coded, output]],
    })),
  },
];

export const toolKeys: readonly string[] = tools.map(({ key }) => key);

/** The tools named by `keys`, each with a directory of its own until `close`. */
export async function openTools(
  keys: readonly string[],
): Promise<{ peers: ToolPeer[]; close(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'functa-bench-'));
  const peers: ToolPeer[] = [];
  for (const tool of tools.filter(({ key }) => keys.includes(key))) peers.push(await open(tool, directory));
  return { peers, close: () => rm(directory, { recursive: true, force: true }) };
}

async function open(tool: Tool, directory: string): Promise<ToolPeer> {
  const { key, name, debian } = tool;
  const version = await versionOf(tool);
  if (version === undefined) {
    const absent = `${name} is left out: ${tool.commands.join(' and ')} are not here; install them (Debian: apt-get install ${debian})`;
    return { key, absent };
  }
  const variants = tool.variants.map((variant) => toVariant(variant, join(directory, key)));
  return { key, codec: { key, name, version, variants } };
}

/** `undefined` when a command is missing. */
async function versionOf({ commands, version }: Tool): Promise<string | undefined> {
  let text = '';
  for (const command of commands) {
    try {
      const { stdout, stderr } = await run(command, [...version.arguments]);
      text += `${stdout}${stderr} `;
    } catch (error) {
      const {
        code,
        stdout = '',
        stderr = '',
      } = error as { code?: unknown; stdout?: string; stderr?: string };
      if (code === 'ENOENT') return undefined;
      // several print their help and exit with a failure
      text += `${stdout}${stderr} `;
    }
  }
  return version.note.replace('%', version.pattern.exec(text)?.[1] ?? 'of unknown version');
}

function toVariant(variant: ToolVariant, base: string): Variant {
  const [inputSuffix, codedSuffix, outputSuffix] = variant.files;
  const coded = `${base}.${codedSuffix}`;
  const output = `${base}-out.${outputSuffix}`;
  return {
    label: variant.label,
    channels: [1, 3],
    settings: variant.settings,
    async encode(picture, setting) {
      const grey = picture.channels === 1 && inputSuffix === 'ppm';
      const input = `${base}.${grey ? 'pgm' : inputSuffix}`;
      await writeFile(
        input,
        inputSuffix === 'png' ? await imageOf(picture).png().toBuffer() : netpbm(picture),
      );
      return timed(variant.encode(input, coded, setting, picture), coded);
    },
    async decode(file, { channels }) {
      await writeFile(coded, file);
      const path = channels === 1 && outputSuffix === 'ppm' ? output.replace(/ppm$/, 'pgm') : output;
      const { bytes, ms } = await timed(variant.decode(coded, path), path);
      return {
        bytes: outputSuffix === 'png' ? await samplesOf(sharp(bytes), channels) : fromNetpbm(bytes),
        ms,
      };
    },
  };
}

async function timed([command, args]: [string, string[]], result: string): Promise<Timed> {
  await rm(result, { force: true });
  const started = performance.now();
  try {
    await run(command, args);
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new EnvironmentError(
      'bench-peer-failed',
      `${command} ${args.join(' ')} failed: ${stderr?.trim() || error}`,
      {
        cause: error,
      },
    );
  }
  const ms = performance.now() - started;
  return { bytes: await readFile(result), ms };
}

/** Binary PGM or PPM. */
export function netpbm({ bytes, width, height, channels }: Picture): Uint8Array {
  const head = Buffer.from(`${channels === 1 ? 'P5' : 'P6'}\n${width} ${height}\n255\n`);
  return Buffer.concat([head, bytes]);
}

/** Samples of a binary PGM or PPM of 8 bits; comments may stand in its header. */
export function fromNetpbm(file: Uint8Array): Uint8Array {
  let at = 0;
  for (let fields = 0; fields < 4; fields++) {
    while (isSpace(file[at]!) || file[at] === 35) {
      if (file[at++] === 35) while (at < file.length && file[at] !== 10) at++;
    }
    while (at < file.length && !isSpace(file[at]!)) at++;
  }
  return file.subarray(at + 1);
}

function isSpace(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}

/** As many halvings as the picture has room for, at most five. */
function resolutions(width: number, height: number): number {
  return Math.min(6, 1 + Math.floor(Math.log2(Math.min(width, height))));
}
