#!/usr/bin/env bash
# opusenc of opus-tools 0.2 (libopus 1.3.1) on speech at 8 kHz: from 24 to 48 kbit/s the file doubles and the decoded wave comes no nearer to
# the original; at 64 kbit/s it is 12 dB nearer. One expects the error to fall with every bit.
#
# Seen with Node 20.20.2, Debian 12, Linux x64, decoded at 8 kHz and aligned: signal to noise of about 11.6, 11.6 and 11.7 dB at 24, 32
# and 48 kbit/s (18.7, 26.5 and 37.3 kB), 24.4 dB at 64 (69.1 kB) for the first of three prompts; the others alike.
# A curve of this coder by signal to noise is therefore not to be interpolated there, and says little of how it sounds.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; chmod 755 "$dir"; cd "$dir"
apt-get download -qq opus-tools=0.2-1+b1 libopusenc0=0.2.1-2 libopusfile0=0.12-4 asterisk-core-sounds-it-wav=1.6.1-1 2>/dev/null \
  || { echo 'needs Debian 12'; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
cat >look.mjs <<'JS'
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
const env = { ...process.env, LD_LIBRARY_PATH: 'root/usr/lib/x86_64-linux-gnu' };
const tool = (name, ...given) => execFileSync(`root/usr/bin/${name}`, ['--quiet', ...given], { env });
const samplesOf = (bytes) => new Int16Array(Uint8Array.from(bytes.subarray(0, bytes.length & ~1)).buffer);
const prompts = process.argv.slice(2);
let asSeen = true;
for (const prompt of prompts) {
  const wav = readFileSync(prompt);
  const original = samplesOf(wav.subarray(wav.indexOf('data') + 8));
  writeFileSync('in.raw', original);
  const [snr, size] = [{}, {}];
  for (const rate of [16, 24, 32, 48, 64]) {
    tool('opusenc', '--raw', '--raw-rate', '8000', '--raw-chan', '1', '--raw-bits', '16', '--bitrate', `${rate}`, 'in.raw', 'x.opus');
    tool('opusdec', '--rate', '8000', '--no-dither', 'x.opus', 'out.raw');
    const decoded = samplesOf(readFileSync('out.raw'));
    snr[rate] = -Infinity;
    for (let delay = -200; delay <= 200; delay++) {
      let [power, error] = [0, 0];
      for (let i = 200; i < original.length - 200; i++) {
        power += original[i] ** 2;
        error += (original[i] - (decoded[i + delay] ?? 0)) ** 2;
      }
      snr[rate] = Math.max(snr[rate], 10 * Math.log10(power / error));
    }
    size[rate] = statSync('x.opus').size;
  }
  console.log(prompt.split('/').pop(), ...Object.keys(snr).map((rate) => `${rate} kbit/s: ${snr[rate].toFixed(2)} dB, ${size[rate]} bytes;`));
  asSeen &&= Math.abs(snr[48] - snr[24]) < 0.5 && size[48] > 1.8 * size[24] && snr[64] > snr[48] + 8 && snr[24] > snr[16];
}
process.exit(prompts.length === 3 && asSeen ? 0 : 1);
JS
mapfile -t prompts < <(find root -name 'agent-*.wav' -size +60k | sort | head -3)
node look.mjs "${prompts[@]}" || { echo 'changed'; exit 1; }
