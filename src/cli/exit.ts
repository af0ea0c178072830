/** How a fault becomes an exit code and one line. The codes are part of the interface of the command line. */
import type { ErrorCode } from '../core/error-codes.ts';
import {
  AbortedError,
  BadInputError,
  BugError,
  EnvironmentError,
  FunctaError,
  NotFoundError,
} from '../core/errors.ts';
import { diskFailure } from '../disk/failure.ts';

export const exitCodes = { ok: 0, failure: 1, usage: 2, badStream: 3, limit: 4, interrupted: 130 } as const;

/** The command was called in a way it does not know. */
export class UsageError extends BadInputError {}

export function exitCodeOf(error: FunctaError): number {
  // Where several things could be meant an option says which, whoever found that out.
  if (error instanceof UsageError || error.code.startsWith('which-')) return exitCodes.usage;
  // Bytes that are not what they should be, whoever keeps them.
  if (error.code === 'function-damaged') return exitCodes.badStream;
  const { kind } = error;
  switch (kind) {
    case 'stream':
      return exitCodes.badStream;
    case 'limit':
      return exitCodes.limit;
    case 'aborted':
      return exitCodes.interrupted;
    case 'input':
    case 'notFound':
    case 'conflict':
    case 'environment':
    case 'bug':
      return exitCodes.failure;
    default:
      return kind satisfies never;
  }
}

/** Anything thrown, as one of our errors: commander's, the system's and the runtime's are translated, the rest is a bug. */
export function toFunctaError(thrown: unknown): FunctaError {
  if (thrown instanceof FunctaError) return thrown;
  if (!(thrown instanceof Error))
    return new BugError(`something that is no error was thrown: ${String(thrown)}`);
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
  if (code.startsWith('commander.')) return fromCommander(thrown, code.slice('commander.'.length));
  if (thrown.name === 'AbortError') {
    // streams wrap the reason they were given
    return thrown.cause instanceof FunctaError ? thrown.cause : new AbortedError();
  }
  if ('syscall' in thrown || 'errno' in thrown) return fromSystem(thrown, code);
  if (
    thrown instanceof RangeError &&
    /allocation|array buffer|Invalid (typed )?array length/i.test(thrown.message)
  ) {
    return new EnvironmentError('out-of-memory', 'not enough memory for this; ask for less at once', {
      cause: thrown,
    });
  }
  return new BugError(`${thrown.name}: ${thrown.message}`);
}

/** `functa: <message> [code]`, without line breaks. */
export function errorLine(error: FunctaError): string {
  return `functa: ${oneLine(error.message)} [${error.code}]`;
}

/** The same as an object: code, kind, message, exit code, and the fields of the fault's kind. */
export function errorObject(error: FunctaError): { error: Record<string, unknown> } {
  const { name: _name, cause: _cause, kind, code, ...fields } = error;
  return { error: { ...fields, code, kind, message: oneLine(error.message), exitCode: exitCodeOf(error) } };
}

function oneLine(text: string): string {
  return text.replace(/\s*\r?\n\s*/g, ' ').trim();
}

/** What commander calls faults of a command line. */
const commanderCodes: Readonly<Record<string, ErrorCode>> = {
  conflictingOption: 'conflicting-option',
  excessArguments: 'excess-arguments',
  invalidArgument: 'invalid-argument',
  invalidOptionArgument: 'invalid-option-argument',
  missingArgument: 'missing-argument',
  missingMandatoryOptionValue: 'missing-mandatory-option-value',
  optionMissingArgument: 'option-missing-argument',
  unknownCommand: 'unknown-command',
  unknownOption: 'unknown-option',
};

function fromCommander(error: Error, code: string): UsageError {
  // commander shows its help where a command is missing
  if (code === 'help') return new UsageError('no-command', 'a command is missing; functa --help lists them');
  const told = error.message.replace(/^error: /, '').replace(/\.$/, '');
  // commander guesses at what is nearly right, and says nothing of the rest
  const advice = told.includes('Did you mean') ? '' : '; --help says what a command takes';
  return new UsageError(commanderCodes[code] ?? 'usage', `${told}${advice}`);
}

function fromSystem(error: Error, code: string): FunctaError {
  const path = 'path' in error && typeof error.path === 'string' ? error.path : undefined;
  const where = path === undefined ? '' : `${path}: `;
  const options = { cause: error };
  const ofDisk = diskFailure(error);
  if (ofDisk !== undefined) return ofDisk;
  switch (code) {
    case 'ENOENT':
      return new NotFoundError('no-file', `${where}no such file or directory; check the path`);
    case 'EISDIR':
      return new BadInputError('is-directory', `${where}this is a directory; name a file`, options);
    case 'ENOTDIR':
      return new BadInputError('not-directory', `${where}a part of this path is no directory`, options);
    case 'EADDRINUSE':
      return new EnvironmentError(
        'port-in-use',
        `${error.message}; choose another port with --port`,
        options,
      );
    default:
      return new EnvironmentError('system', `${where}${error.message}`, options);
  }
}
