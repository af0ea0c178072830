#!/usr/bin/env bash
# audio-decode 3.12.0: a FLAC file whose last frame is missing (a download that was cut off between two frames) decodes to the frames that are
# there, without an error and without a word that the header says more samples; the MD5 that FLAC keeps of its samples is not looked at.
#
# Seen with Node 20.20.2, flac 1.4.2, Linux x64: 8,192 of 12,288 samples, no error, no member of the result that tells.
# A reader therefore holds the length against the header (36 bits from byte 21 on) and the samples against the MD5 (bytes 26 to 41).
set -euo pipefail
command -v flac >/dev/null || { echo 'needs flac'; exit 2; }
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund audio-decode@3.12.0 >/dev/null
cat >look.js <<'JS'
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import decode from 'audio-decode';
// three frames of 4,096 samples of a sawtooth
const samples = Int16Array.from({ length: 12288 }, (_, i) => ((i * 37) % 2001) - 1000);
writeFileSync('x.raw', samples);
const format = ['--force-raw-format', '--endian=little', '--sign=signed', '--channels=1', '--bps=16', '--sample-rate=8000'];
execFileSync('flac', ['--silent', '-f', '--no-padding', '--blocksize=4096', ...format, 'x.raw', '-o', 'x.flac']);
const whole = new Uint8Array(readFileSync('x.flac'));
// the third frame begins at its sync code, with its number
let third = 0;
for (let i = 42; i < whole.length - 5; i++) if (whole[i] === 0xff && whole[i + 1] === 0xf8 && whole[i + 4] === 2) third = i;
const all = await decode(whole);
const cut = await decode(whole.slice(0, third)).catch((error) => ({ error: String(error) }));
const seen = { whole: all.channelData[0].length, cut: cut.channelData?.[0]?.length ?? 0, error: cut.error ?? null };
console.log(JSON.stringify(seen));
process.exit(seen.whole === 12288 && seen.cut < 12288 && seen.error === null ? 0 : 1);
JS
node look.js || { echo 'changed'; exit 1; }
