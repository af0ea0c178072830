#!/usr/bin/env bash
# @audio/decode-mp3 1.3.1: an MP3 of one channel decodes to two equal channels. The package audio-decode, which wraps it, hides that by
# comparing some of the samples of the two.
#
# Seen with Node 20.20.2, lame 3.100, Linux x64: 2 channels, equal at every sample, of a file whose header says one (channel mode 3).
# A reader therefore asks the header how many channels there are.
set -euo pipefail
command -v lame >/dev/null || { echo 'needs lame'; exit 2; }
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund @audio/decode-mp3@1.3.1 >/dev/null
cat >look.js <<'JS'
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { decoder } from '@audio/decode-mp3';
// half a second of a tone, one channel
const samples = Int16Array.from({ length: 4000 }, (_, i) => 8000 * Math.sin((2 * Math.PI * 440 * i) / 8000));
writeFileSync('x.raw', samples);
execFileSync('lame', ['--quiet', '-r', '-s', '8', '--bitwidth', '16', '--signed', '--little-endian', '-m', 'm', '-b', '16', 'x.raw', 'x.mp3']);
const bytes = new Uint8Array(readFileSync('x.mp3'));
const frame = bytes.findIndex((byte, i) => byte === 0xff && (bytes[i + 1] & 0xe0) === 0xe0);
const mode = bytes[frame + 3] >> 6;
const mp3 = await decoder();
const { channelData } = await mp3.decode(bytes);
const [left, right] = channelData;
const seen = { mode, channels: channelData.length, equal: right !== undefined && left.every((value, i) => value === right[i]) };
console.log(JSON.stringify(seen));
process.exit(seen.mode === 3 && seen.channels === 2 && seen.equal ? 0 : 1);
JS
node look.js || { echo 'changed'; exit 1; }
