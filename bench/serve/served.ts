/** The server as an operator runs it: `functa serve` in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Served {
  readonly port: number;
  readonly entry: string;
  /** Memory of the process in MB: now, at most so far, and now without the pages of files that are mapped. */
  memory(): { readonly now: number; readonly most: number; readonly own: number };
  /** Open files and sockets. */
  descriptors(): number;
  /** Seconds of processor time, all threads. */
  cpuSeconds(): number;
  stop(): Promise<void>;
}

const own = fileURLToPath(new URL('../../', import.meta.url));

export interface ServeOptions {
  /** Of the package; default: this one. */
  readonly root?: string | undefined;
  /** More of the command line. */
  readonly args?: readonly string[] | undefined;
  /** More of the environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** Starts it on a free port with the bundled models; from `dist` when it was built. */
export async function serve({
  root = own,
  args: more = [],
  env: settings = {},
}: ServeOptions = {}): Promise<Served> {
  const built = existsSync(join(root, 'dist/src/cli/main.js'));
  const entry = built ? 'dist/src/cli/main.js' : 'src/cli/main.ts';
  const args = [...(built ? [] : ['--import', 'tsx']), entry, 'serve', '--port', '0', '--json', ...more];
  const home = mkdtempSync(join(tmpdir(), 'functa-bench-'));
  const env = { ...process.env, XDG_DATA_HOME: home, ...settings };
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'ignore'] });
  const port = await portOf(child);
  const status = () => readFileSync(`/proc/${child.pid}/status`, 'utf8');
  const megabytes = (field: string) =>
    Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status())?.[1] ?? Number.NaN) / 1024;
  return {
    port,
    entry,
    memory: () => ({ now: megabytes('VmRSS'), most: megabytes('VmHWM'), own: megabytes('RssAnon') }),
    descriptors: () => readdirSync(`/proc/${child.pid}/fd`).length,
    cpuSeconds: () => cpuSecondsOf(child.pid!),
    stop() {
      const gone = new Promise<void>((resolve) =>
        child.once('exit', () => {
          rmSync(home, { recursive: true, force: true });
          resolve();
        }),
      );
      child.kill('SIGTERM');
      return gone;
    },
  };
}

/** Seconds of processor time of a process, in its own code and in the kernel. */
export function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout!.on('data', (data) => {
      text += data;
      if (text.includes('\n')) resolve((JSON.parse(text) as { port: number }).port);
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code} before it listened`)));
  });
}
