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
  vf a = splat(1.f), b = splat(2.f), c = splat(3.f), d = splat(4.f), e = splat(5.f), f = splat(6.f);
  vf g = splat(7.f), h = splat(8.f), i = splat(9.f), j = splat(10.f), k = splat(11.f), l = splat(12.f);
  const vf x = splat(0.999f), y = splat(0.001f);
  for (long n = 0; n < iterations; n++) {
    a = fma(a, x, y), b = fma(b, x, y), c = fma(c, x, y), d = fma(d, x, y), e = fma(e, x, y), f = fma(f, x, y);
    g = fma(g, x, y), h = fma(h, x, y), i = fma(i, x, y), j = fma(j, x, y), k = fma(k, x, y), l = fma(l, x, y);
  }
  return lanes_sum(((a + b) + (c + d)) + ((e + f) + (g + h)) + ((i + j) + (k + l)));
}

}  // namespace functa
