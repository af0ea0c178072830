// The kernel's door to WebAssembly: the host lays arrays out in the module's memory and hands over numbers and addresses.
#include "field.h"

namespace functa {
const Kernels* kernels_wasm();
}

using functa::Job;
using functa::Kernels;

#define EXPORT(name) __attribute__((export_name(#name)))

extern "C" {

// Without a C library; the compiler may call these for plain loops.
void* memset(void* to, int value, unsigned long n) {
  unsigned char* p = (unsigned char*)to;
  while (n--) {
    *p++ = (unsigned char)value;
    __asm__ volatile("" ::: "memory");
  }
  return to;
}
void* memcpy(void* to, const void* from, unsigned long n) {
  unsigned char* p = (unsigned char*)to;
  const unsigned char* q = (const unsigned char*)from;
  while (n--) {
    *p++ = *q++;
    __asm__ volatile("" ::: "memory");
  }
  return to;
}

EXPORT(jobBytes) int job_bytes() { return sizeof(Job); }

// Numbers and addresses in the order of `fields` in memory.ts; an address of 0 is an absent array.
EXPORT(fill) void fill(Job* job, const double* p) {
  *job = Job{};
  auto at = [&](int i) { return (uintptr_t)p[i]; };
  job->task = (int)p[0];
  job->count = (int)p[1];
  job->points = (int)p[2];
  job->modulation = (int)p[3];
  job->steps = (int)p[4];
  job->second_order = (int)p[5];
  job->distortion_weight = (float)p[6];
  job->evaluate_points = (long)p[7];
  job->spec = functa::parse_spec((const double*)at(8));
  job->weights = (const float*)at(9);
  job->rates = (const float*)at(10);
  job->targets = (const float*)at(11);
  job->point_weights = (const float*)at(12);
  job->start = (const float*)at(13);
  job->trajectory = (float*)at(14);
  job->offset = (const float*)at(15);
  job->extra = (const float*)at(16);
  job->losses = (double*)at(17);
  job->gradient = (float*)at(18);
  job->weight_gradient = (float*)at(19);
  job->rate_gradient = (float*)at(20);
  job->coordinates = (const float*)at(21);
  job->values = (float*)at(22);
  job->cancelled = (const int32_t*)at(23);
  job->slopes = (float*)at(25);
  const double* grid = (const double*)at(24);
  for (int a = 0; grid && a < functa::MAX_AXES; a++) {
    job->grid_start[a] = grid[a];
    job->grid_step[a] = grid[3 + a];
    job->grid_count[a] = (int)grid[6 + a];
  }
}

EXPORT(jobFloats) int job_floats(Job* job) { return (int)functa::kernels_wasm()->job_floats(job); }
EXPORT(scratchFloats) int scratch_floats(const Job* job) { return (int)functa::kernels_wasm()->scratch_floats(job); }
EXPORT(prepare) void prepare(Job* job, float* block) { functa::kernels_wasm()->prepare(job, block); }
EXPORT(isLarge) int is_large(const Job* job) { return functa::is_large(job); }
EXPORT(mapUnits) int map_units(const Job* job) { return functa::kernels_wasm()->map_units(job); }
EXPORT(passUnits) int pass_units(const Job* job) { return functa::kernels_wasm()->pass_units(job); }
EXPORT(runLane) void run_lane(const Job* job, int lane, float* scratch) { functa::kernels_wasm()->run_lane(job, lane, scratch); }
EXPORT(mapUnit) void map_unit(const Job* job, int unit, int step, float* scratch) { functa::kernels_wasm()->map_unit(job, unit, step, scratch); }
EXPORT(passUnit) void pass_unit(const Job* job, int unit, float* scratch) { functa::kernels_wasm()->pass_unit(job, unit, scratch); }
EXPORT(pullUnit) void pull_unit(const Job* job, int unit, int step, float* scratch) { functa::kernels_wasm()->pull_unit(job, unit, step, scratch); }
EXPORT(finish) void finish(const Job* job) { functa::kernels_wasm()->finish(job); }
}
