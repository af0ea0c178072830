// One job of the kernel as a process: a request on standard input, what the task writes on standard output. For instruction
// sets of other machines, under an emulator; neon.ts is the other end.
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "../kernel/field.h"

namespace functa {
const Kernels* FUNCTA_KERNELS();
}

namespace {

constexpr int NUMBERS = functa::NUMBERS, ARRAYS = functa::ARRAY_COUNT;

struct Array {
  double bytes;  // below 0: absent
  char* data;
};

void read_exactly(void* to, size_t bytes) {
  if (fread(to, 1, bytes, stdin) != bytes) exit(1);
}

char* aligned(size_t bytes) { return (char*)aligned_alloc(64, bytes / 64 * 64 + 64); }

}  // namespace

int main() {
  double n[NUMBERS], bytes[ARRAYS];
  Array a[ARRAYS];
  read_exactly(n, sizeof n);
  read_exactly(bytes, sizeof bytes);
  for (int i = 0; i < ARRAYS; i++) {
    a[i] = {bytes[i], bytes[i] < 0 ? nullptr : aligned((size_t)bytes[i])};
    if (bytes[i] > 0) read_exactly(a[i].data, (size_t)bytes[i]);
  }
  functa::Job job;
  functa::Given arrays[functa::ARRAY_COUNT];
  for (int i = 0; i < functa::ARRAY_COUNT; i++) {
    const bool doubles = i == functa::ARRAY_DESCRIPTION || i == functa::ARRAY_LOSSES || i == functa::ARRAY_GRID || i >= functa::ARRAY_POSITIONS;
    arrays[i] = {a[i].data, a[i].data ? (int64_t)bytes[i] / (doubles ? 8 : 4) : 0};
  }
  if (functa::make_job(&job, n, arrays) != functa::FITS) exit(2);
  const functa::Kernels* k = functa::FUNCTA_KERNELS();
  float* block = (float*)aligned(k->job_floats(&job) * sizeof(float));
  float* scratch = (float*)aligned(k->scratch_floats(&job) * sizeof(float));
  k->prepare(&job, block);
  if (functa::is_large(&job)) {
    const int maps = k->map_units(&job), passes = k->pass_units(&job), steps = job.trajectory ? job.steps : 1;
    for (int step = 0; step < steps; step++) {
      for (int unit = 0; unit < maps; unit++) k->map_unit(&job, unit, step, scratch);
      for (int unit = 0; unit < passes; unit++) k->pass_unit(&job, unit, scratch);
      for (int unit = 0; unit < maps && !job.values; unit++) k->pull_unit(&job, unit, step, scratch);
    }
  } else {
    for (int lane = 0; lane < functa::LANES && lane < job.count; lane++) k->run_lane(&job, lane, scratch);
    k->finish(&job);
  }
  for (int i : {6, 9, 10, 11, 12, 14, 17, 19, 20})  // `outputs` of wasm/memory.ts
    if (a[i].data) fwrite(a[i].data, 1, (size_t)a[i].bytes, stdout);
}
