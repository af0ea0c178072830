#!/usr/bin/env bash
# wave-resampler 1.0.0 (wavefile has the same code): the last sample of the input is spread over the output, so time is stretched. From 8 to 16 kHz, output
# sample 2 i should be input sample i; it is the wave one sample late in the middle and two at the end, whatever the length. Its README says "windowed sinc
# interpolation" for its best method, and says nothing of time.
#
# Seen with Node 20.20.2, Linux x64, of tones of 440 Hz, method sinc without filter: 0.1, 1.0 and 1.9 samples late at the start, the middle and the end of one
# second, 0.01, 1.0 and 1.99 of ten; the signal to noise against the tone is 14 dB, where aligning the two by one delay helps little. Compare codecs by
# another resampler: libsamplerate (@alexanderolsen/libsamplerate-js 2.1.2) gives 150 dB in the same run.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
echo '{"type": "module"}' >package.json
npm install --silent --no-audit --no-fund wave-resampler@1.0.0 @alexanderolsen/libsamplerate-js@2.1.2 >/dev/null
cat >look.js <<'JS'
import libsamplerate from '@alexanderolsen/libsamplerate-js';
import wave from 'wave-resampler';
const tone = (samples, rate) => Float32Array.from({ length: samples }, (_, i) => Math.sin((2 * Math.PI * 440 * i) / rate));
/** How many samples late the tone is around a place. */
function late(samples, centre) {
  let [cos, sin] = [0, 0];
  for (let i = centre - 400; i < centre + 400; i++) {
    cos += samples[i] * Math.cos((2 * Math.PI * 440 * i) / 16000);
    sin += samples[i] * Math.sin((2 * Math.PI * 440 * i) / 16000);
  }
  return -(Math.atan2(cos, sin) / (2 * Math.PI * 440)) * 16000;
}
function look(samples) {
  const wanted = tone(samples.length, 16000);
  let [power, noise] = [0, 0];
  for (let i = 1000; i < samples.length - 1000; i++) {
    power += wanted[i] ** 2;
    noise += (samples[i] - wanted[i]) ** 2;
  }
  const places = [800, samples.length / 2, samples.length - 800];
  return { late: places.map((place) => +late(samples, Math.round(place)).toFixed(2)), snr: +(10 * Math.log10(power / noise)).toFixed(1) };
}
const other = await libsamplerate.create(1, 8000, 16000, { converterType: 0 });
const seen = {};
for (const seconds of [1, 10]) seen[`${seconds} s`] = look(wave.resample(tone(8000 * seconds, 8000), 8000, 16000, { method: 'sinc', LPF: false }));
seen.libsamplerate = look(other.simple(tone(8000, 8000)));
console.log(JSON.stringify(seen));
const isAsSeen = ['1 s', '10 s'].every((key) => Math.abs(seen[key].late[1] - 1) < 0.05 && seen[key].late[2] > 1.85 && seen[key].snr < 20);
process.exit(isAsSeen && seen.libsamplerate.snr > 60 ? 0 : 1);
JS
node look.js || { echo 'changed'; exit 1; }
