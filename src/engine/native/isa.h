// The instruction sets in this addon, and the best one that this processor has.
#pragma once
#include "../kernel/field.h"

namespace functa {

struct Isa {
  const char* name;
  const Kernels* (*kernels)();
  float (*peak)(long iterations);
  int lanes;
};

#if defined(__x86_64__)
const Kernels* kernels_sse();
const Kernels* kernels_avx2();
const Kernels* kernels_avx512();
float peak_sse(long);
float peak_avx2(long);
float peak_avx512(long);

inline int isa_list(Isa* out) {
  int n = 0;
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    out[n++] = {"avx512", kernels_avx512, peak_avx512, 16};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) out[n++] = {"avx2", kernels_avx2, peak_avx2, 8};
  out[n++] = {"sse", kernels_sse, peak_sse, 4};
  return n;
}
#else
const Kernels* kernels_neon();
float peak_neon(long);

inline int isa_list(Isa* out) {
  out[0] = {"neon", kernels_neon, peak_neon, 4};
  return 1;
}
#endif

}  // namespace functa
