/** The command line as a whole: its commands, the flags they share, and what happens around each of them. */
import type { Writable } from 'node:stream';
import { Command, Option } from 'commander';
import { AbortedError } from '../core/errors.ts';
import { removeUnfinished } from '../disk/scratch.ts';
import { engineNames, maxThreads } from '../engine/index.ts';
import { complain } from './complain.ts';
import { exitCodeOf, exitCodes, toFunctaError, UsageError } from './exit.ts';
import { isGone, writeQuietly } from './files.ts';
import { type Globals, Job, type Report, type Streams } from './job.ts';
import { integer, limitOptions } from './options.ts';
import { packageVersion } from './package.ts';

/** What commander calls with the arguments of a command, its options and the command itself. */
type Handler = (...given: unknown[]) => Promise<void>;
/** Wraps what a command does with what every command needs. Arguments come as commander gives them. */
// biome-ignore lint/suspicious/noExplicitAny: commander hands over arguments whose types only the command knows.
export type RunCommand = (action: (job: Job, ...given: any[]) => Promise<Report | undefined>) => Handler;
export type AddCommand = (program: Command, run: RunCommand) => void;

/** Where interruptions come from. */
export interface Interrupts {
  readonly signal: AbortSignal;
  readonly stop: () => void;
}

/** Runs one command line to its end and gives its exit code: not 0 when what it had to say could not be written. */
export async function runCli(
  argv: readonly string[],
  streams: Streams,
  commands: readonly AddCommand[],
  interrupts: Interrupts = listenForInterrupts(),
): Promise<number> {
  let unwritten: Error | undefined;
  // A reader that goes away is met where we write; what cannot be written is a failure, whoever wrote it.
  streams.stdout.on('error', (error) => {
    if (!isGone(error)) unwritten ??= error;
  });
  // Progress and notes are not what was asked for.
  streams.stderr.on('error', () => {});
  const program = createProgram(streams);
  let exitCode: number = exitCodes.ok;
  const run: RunCommand =
    (action) =>
    async (...given) => {
      const command = given.at(-1) as Command;
      const job = new Job(command.optsWithGlobals<Globals>(), streams, interrupts.signal);
      const report = await action(job, ...given);
      if (report === undefined) return;
      await job.present(report);
      if (report.fault !== undefined) {
        await complain(report.fault, streams, false);
        exitCode = exitCodeOf(report.fault);
      }
    };
  for (const add of commands) add(program, run);
  addHelp(program);
  try {
    await program.parseAsync(argv, { from: 'user' }).catch((thrown) => {
      if (!isHelp(thrown)) throw thrown;
    });
    await writtenOut(streams.stdout);
    if (unwritten !== undefined) throw unwritten;
    return exitCode;
  } catch (thrown) {
    const error = toFunctaError(thrown);
    await complain(error, streams, argv.includes('--json'));
    return exitCodeOf(error);
  } finally {
    interrupts.stop();
  }
}

/** Until what was given to a stream is written, or is known to fail. */
async function writtenOut(stream: Writable): Promise<void> {
  await writeQuietly(stream, '');
  // A stream tells of its error after it answers the write.
  await new Promise((resolve) => setImmediate(resolve));
}

function createProgram(streams: Streams): Command {
  const program = new Command('functa');
  for (const option of limitOptions()) program.addOption(option);
  return program
    .description('Signals as functions, and a prior over them.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print what a command takes')
    .helpCommand(false)
    .addOption(
      new Option('--engine <name>', 'what computes the fields').choices(engineNames).env('FUNCTA_ENGINE'),
    )
    .addOption(
      new Option('--threads <n>', 'threads of the engine; default: one a core').argParser(
        integer(1, maxThreads),
      ),
    )
    .option('-q, --quiet', 'no progress and no notes on stderr', false)
    .option('--json', 'one JSON object on stdout, errors too', false)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => streams.stdout.write(text),
      writeErr: (text) => streams.stderr.write(text),
      // errors are printed once, by complain()
      outputError: () => {},
    })
    .exitOverride();
}

/** `help`, of the program or of a command or of one within a command. */
function addHelp(program: Command): void {
  program
    .command('help')
    .description('print what a command takes')
    .argument('[command...]', 'a command, and one of its own')
    .action((names: string[]) => {
      let found = program;
      for (const name of names) {
        const next = found.commands.find((command) => command.name() === name);
        if (next === undefined)
          throw new UsageError('unknown-command', `unknown command '${name}'; functa --help lists them`);
        found = next;
      }
      // leaves by commander's error for a help that was asked for
      found.help();
    });
}

function isHelp(thrown: unknown): boolean {
  const { code, exitCode } = thrown as { code?: unknown; exitCode?: unknown };
  // a command that is missing shows its help too, and fails
  return exitCode === 0 && typeof code === 'string' && code.startsWith('commander.');
}

/** The first SIGINT or SIGTERM asks the work to stop; the second leaves at once. */
function listenForInterrupts(): Interrupts {
  const controller = new AbortController();
  const onSignal = () => {
    if (controller.signal.aborted) {
      removeUnfinished();
      process.exit(exitCodes.interrupted);
    }
    controller.abort(new AbortedError('interrupted'));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    stop: () => {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}
