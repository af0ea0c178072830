/**
 * Runs a command line without a process of its own: the same commands, streams and exit codes, in a tenth of the time. What a process is
 * for (its thread, signals, files that it leaves, who reads its output) is asked of a process: see run.ts.
 */
import { Readable, Writable } from 'node:stream';
import { type AddCommand, runCli } from '../../src/cli/program.ts';
import type { Ran } from './run.ts';

export interface Printed {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  // biome-ignore lint/suspicious/noExplicitAny: each command has an object of its own, which its test reads.
  readonly json: any;
}

/** With `--json`, whose object is parsed. */
export async function printed(
  commands: readonly AddCommand[],
  argv: readonly string[],
  stdin = '',
): Promise<Printed> {
  const ran = await run(commands, [...argv, '--json', '--quiet'], Buffer.from(stdin));
  const stdout = ran.stdout.toString();
  return { status: ran.status!, stdout, stderr: ran.stderr, json: JSON.parse(stdout) };
}

/** Any command line, as `functa` of run.ts. */
export async function functa(
  args: readonly string[],
  { stdin }: { readonly stdin?: Uint8Array } = {},
): Promise<Ran> {
  const { commandsFor } = await import('../../src/cli/commands/index.ts');
  return run(await commandsFor(args), args, stdin);
}

/** With `--json`, whose object is parsed. */
export async function functaJson(
  args: readonly string[],
  options: { readonly stdin?: Uint8Array } = {},
  // biome-ignore lint/suspicious/noExplicitAny: each command has an object of its own, which its test reads.
): Promise<Ran & { json: any }> {
  const ran = await functa([...args, '--json'], options);
  return { ...ran, json: JSON.parse(ran.stdout.toString()) };
}

async function run(
  commands: readonly AddCommand[],
  argv: readonly string[],
  stdin: Uint8Array | undefined,
): Promise<Ran> {
  const [out, err] = [new Pieces(), new Pieces()];
  const streams = { stdin: Readable.from(stdin === undefined ? [] : [stdin]), stdout: out, stderr: err };
  const status = await runCli(argv, streams, commands);
  return { status, stdout: Buffer.concat(out.pieces), stderr: Buffer.concat(err.pieces).toString() };
}

class Pieces extends Writable {
  readonly pieces: Buffer[] = [];
  override _write(piece: Buffer, _encoding: string, done: () => void): void {
    this.pieces.push(piece);
    done();
  }
}
