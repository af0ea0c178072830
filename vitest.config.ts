import { defineConfig } from 'vitest/config';
import { SlowestFirst } from './test/order.ts';

/** Tests of what a process holds or shares (threads, addons, memory, the environment): each file has a process of its own. */
const alone = [
  'test/{browser,crash,doors,server}/**/*.test.ts',
  'test/cli/{heard,interrupt,learn,serve}.test.ts',
  'src/{cli,disk,engine}/**/*.test.ts',
  'src/core/abort.test.ts',
  'src/session/wide.test.ts',
  'datasets/fetch/**/*.test.ts',
];

const shared = {
  ...{ testTimeout: 60_000, pool: 'forks', globalSetup: './test/make-kinds.ts' },
  setupFiles: process.env.FUNCTA_CPU === undefined ? [] : ['./test/cpu.ts'],
} as const;

export default defineConfig({
  test: {
    maxWorkers: 2,
    sequence: { sequencer: SlowestFirst },
    projects: [
      { test: { ...shared, name: 'alone', include: alone } },
      {
        test: {
          ...shared,
          name: 'together',
          // One process after another would load the same modules: that was most of the time.
          isolate: false,
          include: ['{src,prior,codec,datasets,server,test}/**/*.test.ts'],
          exclude: [...alone, 'node_modules/**'],
        },
      },
    ],
  },
});
