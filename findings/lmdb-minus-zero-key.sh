#!/usr/bin/env bash
# lmdb 3.5.6 (lmdb-js), default key encoding: -0 is another key than 0, sorts after every number and NaN, and does not read
# back as it was put: a list that holds it comes back with nulls in between.
#
# Seen with Node 20.20.2, Linux x64:
#   doesExist([0, "a"]) false, doesExist([-0, "a"]) true
#   getKeys(): [0,"b"] [1,"c"] ["\u0018",null] ["\u0018",null,null,null,"a"]
# An index of labels therefore makes -0 into 0 before it writes or looks up a number.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund lmdb@3.5.6 >/dev/null
cat >look.js <<'JS'
import { open } from 'lmdb';
const root = open({ path: './store', maxDbs: 1 });
const db = root.openDB({ name: 'labels', encoding: 'binary' });
for (const key of [[-0, 'a'], [0, 'b'], -0, [1, 'c']]) db.putSync(key, Buffer.from('x'));
console.log(JSON.stringify({
  zero: db.doesExist([0, 'a']),
  minusZero: db.doesExist([-0, 'a']),
  keys: [...db.getKeys()],
}));
await root.close();
JS
seen=$(node look.js)
want='{"zero":false,"minusZero":true,"keys":[[0,"b"],[1,"c"],["\u0018",null],["\u0018",null,null,null,"a"]]}'
echo "$seen"
[ "$seen" = "$want" ] || { echo "changed; was: $want"; exit 1; }
