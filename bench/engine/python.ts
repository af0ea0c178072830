/** The Python that has PyTorch: Debian's package is not seen by a Python of another origin that comes first in the path. */
import { spawnSync } from 'node:child_process';

let found: string | undefined;

/** Its command; `python3` where none has it, whose complaint then says so. */
export function torchPython(): string {
  const has = (python: string) => spawnSync(python, ['-c', 'import torch']).status === 0;
  found ??= [process.env.PYTHON, 'python3', '/usr/bin/python3'].find((python) => python && has(python));
  return found ?? 'python3';
}

/** Without what some machines set to work around faults of an old OpenBLAS, which slows a current one down. */
export function torchEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, OPENBLAS_CORETYPE: undefined, OPENBLAS_L2_SIZE: undefined };
}
