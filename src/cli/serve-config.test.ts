import { expect, test } from 'vitest';
import { configReport } from './commands/serve-config.ts';

test('settings are told without the password of a database', async () => {
  const store = 'postgres://ann:secret@one,two/functa?password=secret&sslmode=require';
  const report = await configReport({ config: { store }, sources: new Map([['store', 'flag']]) });
  expect(JSON.stringify(report)).not.toContain('secret');
  expect(report.lines.join('\n')).toContain('postgres://ann@one,two/functa?password=***&sslmode=require');
});
