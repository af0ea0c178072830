/** The order of test files: the slowest first, so that both processes are at work to the end; those that share a process last. */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** By the seconds they took when this was written. */
const slowest = [
  'src/engine/contract',
  'test/server/work',
  'test/cli/serve',
  'test/cli/interrupt',
  'test/server/slow-clients',
  'test/crash/',
  'test/cli/',
  'test/server/',
];

export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const others = await super.sort(files);
    return others
      .map((file, i) => ({ file, key: [Number(file.project.name === 'together'), rank(file.moduleId), i] }))
      .sort(({ key: a }, { key: b }) => a[0]! - b[0]! || a[1]! - b[1]! || a[2]! - b[2]!)
      .map(({ file }) => file);
  }
}

function rank(path: string): number {
  const found = slowest.findIndex((part) => path.includes(part));
  return found < 0 ? slowest.length : found;
}
