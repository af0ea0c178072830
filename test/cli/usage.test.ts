import { describe, expect, it } from 'vitest';
import { functa } from './in-process.ts';
import { functa as functaProcess, functaJson as jsonOfProcess } from './run.ts';

const commands = [
  'encode',
  'decode',
  'inspect',
  'sample',
  'data',
  'learn',
  'prior',
  'build',
  'store',
  'eval',
  'engines',
  'serve',
];

describe('help and version', () => {
  it('functa --help names every command on stdout', async () => {
    const { status, stdout, stderr } = await functaProcess(['--help']);
    expect(status).toBe(0);
    expect(stderr).toBe('');
    for (const command of commands) expect(stdout.toString()).toContain(`\n  ${command}`);
  });

  it.each([
    ['help encode', /^Usage: functa encode /],
    ['help store pack', /^Usage: functa store pack /],
    ['store help pack', /^Usage: functa store pack /],
    ['help', /^Usage: functa /],
    ['encode --help', /^Usage: functa encode /],
  ])('functa %s prints help on stdout and exits 0', async (line, start) => {
    const { status, stdout, stderr } = await functa(line.split(' '));
    expect(status).toBe(0);
    expect(stderr).toBe('');
    expect(stdout.toString()).toMatch(start);
  });

  it('functa --version prints the version of the package', async () => {
    const { status, stdout } = await functaProcess(['--version']);
    expect(status).toBe(0);
    expect(stdout.toString()).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('a command line that makes no sense', () => {
  it.each([
    [['encdoe'], 'unknown-command', "unknown command 'encdoe'"],
    [['data', 'list', '--colour'], 'unknown-option', "unknown option '--colour'"],
    [['data', 'list', 'extra'], 'excess-arguments', 'too many arguments'],
    [['help', 'encdoe'], 'unknown-command', "unknown command 'encdoe'"],
    [['help', 'store', 'wrap'], 'unknown-command', "unknown command 'wrap'"],
    [['data', 'fetch'], 'missing-argument', "missing required argument 'name'"],
    [['--threads', 'many', 'data', 'list'], 'invalid-argument', 'Give a whole number from 1 to 256'],
    [['--engine', 'abacus', 'data', 'list'], 'invalid-argument', 'Allowed choices are native'],
    [[], 'no-command', 'a command is missing'],
  ])('%j exits 2 with one line', async (args, code, text) => {
    const { status, stdout, stderr } = await functa(args);
    expect(status).toBe(2);
    expect(stdout).toHaveLength(0);
    const lines = stderr.trimEnd().split('\n');
    expect(lines.at(-1)).toContain(`functa: `);
    expect(lines.at(-1)).toContain(text);
    expect(lines.at(-1)).toMatch(new RegExp(`\\[${code}\\]$`));
    if (args.length > 0) expect(lines).toHaveLength(1);
  });

  it('with --json is an object on stdout too', async () => {
    const { status, json } = await jsonOfProcess(['data', 'list', '--colour']);
    expect(status).toBe(2);
    expect(json).toEqual({
      error: {
        code: 'unknown-option',
        kind: 'input',
        message: "unknown option '--colour'; --help says what a command takes",
        exitCode: 2,
      },
    });
  });
});
