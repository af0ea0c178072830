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

constexpr int NUMBERS = 8, ARRAYS = 18;  // in the order of `numbers` and `arrays` of wasm/memory.ts

struct Array {
  double bytes;  // below 0: absent
  char* data;
  template <class T>
  T* as() const { return (T*)data; }
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
  functa::Job job{};
  job.task = (int)n[0];
  job.count = (int)n[1];
  job.points = (int)n[2];
  job.modulation = (int)n[3];
  job.steps = (int)n[4];
  job.second_order = (int)n[5];
  job.distortion_weight = (float)n[6];
  job.evaluate_points = (long)n[7];
  job.spec = functa::parse_spec(a[0].as<double>());
  job.weights = a[1].as<float>();
  job.rates = a[2].as<float>();
  job.targets = a[3].as<float>();
  job.point_weights = a[4].as<float>();
  job.start = a[5].as<float>();
  job.trajectory = a[6].as<float>();
  job.offset = a[7].as<float>();
  job.extra = a[8].as<float>();
  job.losses = a[9].as<double>();
  job.gradient = a[10].as<float>();
  job.weight_gradient = a[11].as<float>();
  job.rate_gradient = a[12].as<float>();
  job.coordinates = a[13].as<float>();
  job.values = a[14].as<float>();
  job.slopes = a[17].as<float>();
  const double* grid = a[16].as<double>();  // 15 is the flag that stops the work
  for (int axis = 0; grid && axis < functa::MAX_AXES; axis++) {
    job.grid_start[axis] = grid[axis];
    job.grid_step[axis] = grid[3 + axis];
    job.grid_count[axis] = (int)grid[6 + axis];
  }
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
  for (int i : {6, 9, 10, 11, 12, 14, 17})  // `outputs` of wasm/memory.ts
    if (a[i].data) fwrite(a[i].data, 1, (size_t)a[i].bytes, stdout);
}
