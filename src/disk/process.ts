/** Which process something on a disk belongs to, and whether that process is over. */
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** The kernel's id of this start of the machine (Linux), else the name of the machine. */
export function bootId(): string {
  return readLine('/proc/sys/kernel/random/boot_id') ?? hostname();
}

/**
 * When a process began, in the kernel's own count: tells it from a later one of its number. Field 22 of /proc/pid/stat,
 * proc(5): clock ticks after boot. The name in field 2 may hold anything, so count after it. Null where nobody says.
 */
export function startOf(pid: number): string | null {
  const stat = readLine(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}

/** Whether a process of this number runs. One that may not be asked runs. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** `PLACE-PID-START`, fit for the name of a file. A place is where numbers of processes mean the same ones. */
export function processTag(): string {
  return `${place()}-${process.pid}-${startOf(process.pid) ?? '0'}`;
}

/** Matches a tag. */
export const tagPattern = /[0-9a-f]{8}-\d+-\d+/;

/** A process of another place cannot be asked: what it last wrote to longer ago than this is taken for left behind. */
const forgottenMs = 24 * 3600 * 1000;

/** Whether the process of a tag is certainly over, for what was last written `ageMs` ago. */
export function isOver(tag: string, ageMs: number): boolean {
  const [where, pid, start] = tag.split('-');
  if (where !== place()) return ageMs > forgottenMs;
  if (!isRunning(Number(pid))) return true;
  const now = startOf(Number(pid));
  return start !== '0' && now !== null && now !== start;
}

let ownPlace: string | undefined;

/** This start of this machine, and the numbering of processes that this one sees (a container has its own). */
function place(): string {
  ownPlace ??= createHash('sha256')
    .update(`${bootId()} ${hostname()} ${readLink('/proc/self/ns/pid') ?? ''}`)
    .digest('hex')
    .slice(0, 8);
  return ownPlace;
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function readLine(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
