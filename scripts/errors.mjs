/**
 * docs/errors.md from the sources: every code, what becomes of it, and the messages that come with it.
 *
 *   node scripts/errors.mjs            writes it
 *   node scripts/errors.mjs --check    says whether it is what the sources say; exit 1 where it is not
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = join(root, 'docs', 'errors.md');

/** Of each kind: what it says, the exit code of the command line, the status of the server. */
const kinds = {
  BadStream: ['the bytes are not what their format says', '3', '422'],
  BadInput: ['a value, option or signal from the caller is wrong', '1', '400 or 422'],
  Usage: ['the command was called in a way that it does not know', '2', ''],
  NotFound: ['what was named is not there', '1', '404'],
  Conflict: ['what was named is in another state', '1', '409'],
  Environment: ['the machine said no', '1', '503 or 507'],
  Http: ['a fault of the request as HTTP', '', 'its own'],
};

const text = readFileSync(join(root, 'src', 'core', 'error-codes.ts'), 'utf8');
const known = new Set([...text.matchAll(/\| '([a-z0-9-]+)'/g)].map(([, code]) => code));
known.delete('aborted');
known.delete('bug');

/** By code: its kinds and its messages. */
const found = new Map([...known].map((code) => [code, { kinds: new Set(), messages: new Set() }]));
const files = execFileSync('git', ['ls-files', 'src', 'prior', 'codec', 'datasets', 'server'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path.endsWith('.ts') && !/\.test\.ts$|\/(testing|contract)|error-codes/.test(path));
for (const path of files) read(readFileSync(join(root, path), 'utf8'));

const rows = [...found]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([code, { kinds: own, messages }]) => {
    const said = [...messages].sort().join('; or: ') || '';
    return `| \`${code}\` | ${[...own].sort().join(', ')} | ${said.replaceAll('|', '\\|')} |`;
  });
const head = `# Errors

Every error has a stable code, a kind, and one line that says what happened and what to do. The library throws a \`FunctaError\` with \`code\`, \`kind\` and \`message\`; the
command line prints \`functa: message [code]\` and ends with the exit code of the kind; the service answers \`application/problem+json\` with the code. In the messages below, … stands
for what differs from case to case. Codes are a union type (\`ErrorCode\`). This page is made from the sources: \`node scripts/errors.mjs\`.

| kind | what it says | exit code | status |
| --- | --- | --- | --- |
${Object.entries(kinds)
  .map(([kind, [what, exit, status]]) => `| ${kind} | ${what} | ${exit} | ${status} |`)
  .join('\n')}

Codes \`which-…\` say that several things could be meant and which option chooses: the command line ends with 2, as for a call that it does not know.

Beside these: \`limit-…\` (LimitError: more than is allowed; exit code 4, status 413; [limits.md](limits.md)), \`aborted\` (stopped on request; 130) and \`bug\` (ours; 1, 500).

| code | kind | says |
| --- | --- | --- |
`;
const wanted = `${head}${rows.join('\n')}\n`;
if (process.argv.includes('--check')) {
  const there = readFileSync(page, 'utf8');
  if (there !== wanted) {
    console.error('docs/errors.md is not what the sources say; run: node scripts/errors.mjs');
    process.exit(1);
  }
} else writeFileSync(page, wanted);

/** Every call that has a code among its first arguments: its kind, and the first text after the code. */
function read(source) {
  for (const match of source.matchAll(
    /(?:new (\w+?)(?:Error|Fault)|\b(\w+))\(([^()'"`;{}]*)(['"])([a-z0-9-]+)\4\s*,/g,
  )) {
    const [whole, error, , , , code] = match;
    const entry = found.get(code);
    if (entry === undefined) continue;
    if (error !== undefined && error in kinds) entry.kinds.add(error);
    const message = firstText(source, match.index + whole.length);
    if (message !== undefined) entry.messages.add(message);
  }
}

/** The first text of the arguments that begin at `from`, with … for what is put in. */
function firstText(source, from) {
  let depth = 0;
  for (let i = from; i < source.length; i++) {
    const c = source[i];
    if (c === "'" || c === '"' || c === '`') return textAt(source, i);
    if (c === '(') depth++;
    else if (c === ')' && depth-- === 0) return undefined;
    else if (c === ';' || c === '{') return undefined;
  }
  return undefined;
}

function textAt(source, start) {
  const quote = source[start];
  let text = '';
  for (let i = start + 1; i < source.length && source[i] !== quote; i++) {
    if (source[i] === '\\\\') text += source[++i];
    else if (quote === '`' && source.startsWith('${', i)) {
      text += '…';
      for (let depth = 1, k = i + 2; ; k++) {
        if (source[k] === '{') depth++;
        if (source[k] === '}' && --depth === 0) {
          i = k;
          break;
        }
      }
    } else text += source[i];
  }
  return text;
}
