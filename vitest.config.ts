import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      'src/**/*.test.ts',
      'prior/**/*.test.ts',
      'codec/**/*.test.ts',
      'datasets/**/*.test.ts',
      'server/**/*.test.ts',
      'test/**/*.test.ts',
    ],
    testTimeout: 30_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
