/** Runs a command line without a process of its own: what takes many short runs is quicker so. */
import { Readable, Writable } from 'node:stream';
import { type AddCommand, runCli } from '../../src/cli/program.ts';

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
  const [out, err] = [new Pieces(), new Pieces()];
  const streams = { stdin: Readable.from([Buffer.from(stdin)]), stdout: out, stderr: err };
  const status = await runCli([...argv, '--json', '--quiet'], streams, commands);
  return { status, stdout: out.text, stderr: err.text, json: JSON.parse(out.text) };
}

class Pieces extends Writable {
  text = '';
  override _write(piece: Buffer, _encoding: string, done: () => void): void {
    this.text += piece.toString();
    done();
  }
}
