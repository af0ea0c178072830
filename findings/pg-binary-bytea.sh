#!/usr/bin/env bash
# pg 8.23.1 (pg-types 2.2.0): a query with `binary: true` gives bytea as a string in which every byte that is no UTF-8 is lost, and no error is told;
# the same query as text gives the Buffer that was stored. One turns binary results on exactly for columns of bytes, to have them without hex.
#
# Seen with Node 20.20.2, Linux x64, over PGlite 0.5.14 behind a socket, of the bytes 00 ff 80 41: text: Buffer 00ff8041; binary: a string of 4
# characters, U+0000, two of U+FFFD, "A". Whoever reads bytes this way asks for text, or sets a parser of binary bytea (OID 17) that gives them as they are.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts pg@8.23.1 pg-types@2.2.0 @electric-sql/pglite@0.5.14 >/dev/null
cat >look.js <<'JS'
import { createServer } from 'node:net';
import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
const database = await PGlite.create();
const server = createServer(async (socket) => {
  let isStarted = false;
  let rest = Buffer.alloc(0);
  for await (const chunk of socket) {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const at = isStarted ? 1 : 0;
      if (rest.length < at + 4 || rest.length < at + rest.readInt32BE(at)) break;
      const message = rest.subarray(0, at + rest.readInt32BE(at));
      rest = rest.subarray(message.length);
      if (isStarted && message[0] === 0x58) return socket.end();
      isStarted = true;
      socket.write(await database.execProtocolRaw(new Uint8Array(message)));
    }
  }
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const client = new pg.Client({ host: '127.0.0.1', port: server.address().port, user: 'postgres', database: 'postgres', ssl: false });
await client.connect();
const stored = Buffer.from([0x00, 0xff, 0x80, 0x41]);
const text = 'SELECT $1::bytea AS bytes';
const asText = (await client.query({ text, values: [stored] })).rows[0].bytes;
const asBinary = (await client.query({ text, values: [stored], binary: true })).rows[0].bytes;
await client.end();
server.close();
console.log('text:', asText, ' binary:', typeof asBinary, JSON.stringify(asBinary));
const isAsSeen = Buffer.isBuffer(asText) && asText.equals(stored) && asBinary === '\u0000\ufffd\ufffdA';
process.exit(isAsSeen ? 0 : 1);
JS
node look.js || { echo 'changed, or one of them failed'; exit 1; }
