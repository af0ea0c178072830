#!/usr/bin/env bash
# pg-boss 10.4.2: fetch() answers an empty list where the database cannot be asked, as if the queue were empty; send() and getQueueSize() on the same lost
# connection throw its error, and no `error` event is told. A worker that asks by fetch() alone cannot tell "nothing to do" from "no database".
#
# Seen with Node 20.20.2, Linux x64, over PGlite 0.5.14 by the `db` option: fetch [], send and getQueueSize throw, 0 events; the job is there when the
# connection is back. What waits for work asks something else of the database too before it believes that there is none.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts pg-boss@10.4.2 @electric-sql/pglite@0.5.14 >/dev/null
cat >look.js <<'JS'
import { PGlite } from '@electric-sql/pglite';
import PgBoss from 'pg-boss';
const database = await PGlite.create();
let isLost = false;
let events = 0;
async function executeSql(text, values) {
  if (isLost) throw new Error('connection lost');
  if (values?.length > 0) return database.query(text, values);
  return (await database.exec(text)).at(-1) ?? { rows: [] };
}
const boss = new PgBoss({ db: { executeSql }, supervise: false, schedule: false });
boss.on('error', () => events++);
await boss.start();
await boss.createQueue('turns');
await boss.send('turns', { n: 1 });
const told = (asked) => asked.then(JSON.stringify, (error) => error.message);
isLost = true;
const seen = {
  fetch: await told(boss.fetch('turns')),
  send: await told(boss.send('turns', { n: 2 })),
  size: await told(boss.getQueueSize('turns')),
};
isLost = false;
seen.later = (await boss.fetch('turns')).length;
seen.events = events;
console.log(JSON.stringify(seen));
const wanted = { fetch: '[]', send: 'connection lost', size: 'connection lost', later: 1, events: 0 };
process.exit(JSON.stringify(seen) === JSON.stringify(wanted) ? 0 : 1);
JS
node look.js || { echo 'changed, or one of them failed'; exit 1; }
