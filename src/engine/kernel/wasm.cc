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

// `p`: the numbers of a request, then of each array its address (0: absent) and how many numbers it has. What is wrong with it:
// see make_job.
EXPORT(fill) int fill(Job* job, const double* p) {
  functa::Given arrays[functa::ARRAY_COUNT];
  for (int i = 0; i < functa::ARRAY_COUNT; i++) {
    const double* entry = p + functa::NUMBERS + 2 * i;
    arrays[i] = {(void*)(uintptr_t)entry[0], (int64_t)entry[1]};
  }
  return functa::make_job(job, p, arrays);
}

EXPORT(jobFloats) double job_floats(Job* job) { return (double)functa::kernels_wasm()->job_floats(job); }
EXPORT(scratchFloats) double scratch_floats(const Job* job) { return (double)functa::kernels_wasm()->scratch_floats(job); }
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
