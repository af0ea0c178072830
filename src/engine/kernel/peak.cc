// Peak multiply-add rate of one core: independent chains in registers, nothing else. The yardstick of the benchmarks.
#include "vec.h"

#ifndef FUNCTA_ISA
#define FUNCTA_ISA generic
#endif
#define FUNCTA_JOIN_(a, b) a##b
#define FUNCTA_JOIN(a, b) FUNCTA_JOIN_(a, b)

namespace functa {

// 2 * VL * 12 * iterations floating-point operations.
float FUNCTA_JOIN(peak_, FUNCTA_ISA)(long iterations) {
  vf sum[12], x = splat(0.999f), y = splat(0.001f);
  for (int i = 0; i < 12; i++) sum[i] = splat(1.f + i);
  for (long k = 0; k < iterations; k++) {
    for (int i = 0; i < 12; i++) sum[i] = fma(sum[i], x, y);
#if defined(__GNUC__) && !defined(__wasm__)
    for (int i = 0; i < 12; i++) __asm__ volatile("" : "+v"(sum[i]));
#endif
  }
  vf total = sum[0];
  for (int i = 1; i < 12; i++) total += sum[i];
  return lanes_sum(total);
}

}  // namespace functa
