// Elementary functions on the vectors of vec.h. Included by dense.cc alone, inside a namespace of its own: every function
// is inlined or local, so copies for different instruction sets cannot be mixed up.
// Polynomials are those of the Cephes library (S. Moshier), float versions; errors are in units of the last place.

#define INLINE FUNCTA_INLINE

INLINE vf bits(vi x) { return (vf)x; }
INLINE vi bits(vf x) { return (vi)x; }
// The bits of a number less a constant, modulo 2^32: those of a negative number have no room for it in a signed one.
typedef uint32_t vu __attribute__((vector_size(VL * 4)));
INLINE vi bitsLess(vf x, uint32_t n) { return (vi)((vu)x - n); }

INLINE vf loadPart(const float* p, int64_t n) {
  vf v{};
  for (int64_t i = 0; i < n; i++) v[i] = p[i];
  return v;
}
INLINE void storePart(float* p, vf v, int64_t n) {
  for (int64_t i = 0; i < n; i++) p[i] = v[i];
}

INLINE vf vabs(vf x) { return bits(bits(x) & 0x7fffffff); }
INLINE vf withSign(vf magnitude, vf sign) { return bits(bits(magnitude) | (bits(sign) & (int32_t)0x80000000)); }

INLINE vf vsqrt(vf x) {
#if defined(__AVX512F__)
  return (vf)_mm512_sqrt_ps((__m512)x);
#elif defined(__AVX2__)
  return (vf)_mm256_sqrt_ps((__m256)x);
#elif defined(__SSE2__)
  return (vf)_mm_sqrt_ps((__m128)x);
#elif defined(__aarch64__)
  return (vf)vsqrtq_f32((float32x4_t)x);
#else
  for (int i = 0; i < VL; i++) x[i] = __builtin_sqrtf(x[i]);
  return x;
#endif
}

// Half to even, by the rounding of an addition; numbers from 2^23 on are whole already, NaN passes.
INLINE vf vround(vf x) {
  vf magnitude = vabs(x);
  vf r = (magnitude + 8388608.f) - 8388608.f;
  return withSign(magnitude < 8388608.f ? r : magnitude, x);
}
INLINE vf vfloor(vf x) {
  vf r = vround(x);
  return withSign(vabs(r > x ? r - 1.f : r), x);
}
INLINE vf vceil(vf x) {
  vf r = vround(x);
  return withSign(vabs(r < x ? r + 1.f : r), x);
}

// 1 ulp. Below -104 it is 0, above 89 infinite; two scalings pass through the denormal range and to infinity.
INLINE vf vexp(vf x) {
  x = x < splat(-104.f) ? splat(-104.f) : x;
  x = x > splat(89.f) ? splat(89.f) : x;
  vf t = fma(x, splat(1.44269504088896341f), splat(12582912.f));
  vi n = bitsLess(t, 0x4b400000);
  vf k = t - 12582912.f;
  vf r = fma(k, splat(-0.693359375f), x);
  r = fma(k, splat(2.12194440e-4f), r);
  vf p = splat(1.9875691500e-4f);
  p = fma(p, r, splat(1.3981999507e-3f));
  p = fma(p, r, splat(8.3334519073e-3f));
  p = fma(p, r, splat(4.1665795894e-2f));
  p = fma(p, r, splat(1.6666665459e-1f));
  p = fma(p, r, splat(5.0000001201e-1f));
  p = fma(p, r * r, r) + 1.f;
  vi half = n >> 1;
  return p * bits((half + 127) << 23) * bits((n - half + 127) << 23);
}

// 1 ulp, denormal numbers included; 0 gives -infinity, negative numbers NaN.
INLINE vf vlog(vf x) {
  vi tiny = x < splat(1.17549435e-38f);
  vf scaled = tiny ? x * 8388608.f : x;
  vi u = bitsLess(scaled, 0x3f3504f3);  // mantissa in [sqrt(1/2), sqrt(2))
  vi e = u >> 23;
  vf m = bits((u & 0x7fffff) + 0x3f3504f3) - 1.f;
  vf k = __builtin_convertvector(e, vf) - (tiny ? splat(23.f) : vf{});
  vf z = m * m;
  vf p = splat(7.0376836292e-2f);
  p = fma(p, m, splat(-1.1514610310e-1f));
  p = fma(p, m, splat(1.1676998740e-1f));
  p = fma(p, m, splat(-1.2420140846e-1f));
  p = fma(p, m, splat(1.4249322787e-1f));
  p = fma(p, m, splat(-1.6668057665e-1f));
  p = fma(p, m, splat(2.0000714765e-1f));
  p = fma(p, m, splat(-2.4999993993e-1f));
  p = fma(p, m, splat(3.3333331174e-1f));
  p = p * m * z;
  p = fma(k, splat(-2.12194440e-4f), p);
  p = fma(z, splat(-0.5f), p);
  vf r = fma(k, splat(0.693359375f), m + p);
  r = x == splat(__builtin_inff()) ? x : r;
  r = x == vf{} ? splat(-__builtin_inff()) : r;
  return (x >= vf{}) ? r : splat(__builtin_nanf(""));
}

// 2 ulp, by W. Kahan's corrections for the rounding of 1 + x and of exp(x).
INLINE vf vlog1p(vf x) {
  vf u = x + 1.f;
  vf r = vlog(u) * (x / (u - 1.f));
  r = u == splat(1.f) ? x : r;
  return (u == splat(__builtin_inff()) || u == vf{}) ? vlog(u) : r;
}
INLINE vf vexpm1(vf x) {
  vf u = vexp(x);
  vf r = (u - 1.f) * (x / vlog(u));
  r = u == splat(1.f) ? x : r;
  return (x > splat(60.f) || x < splat(-20.f)) ? u - 1.f : r;
}

INLINE vf vsigmoid(vf x) { return 1.f / (vexp(-x) + 1.f); }

// 2 ulp.
INLINE vf vtanh(vf x) {
  vf z = x * x;
  vf p = splat(-5.70498872745e-3f);
  p = fma(p, z, splat(2.06390887954e-2f));
  p = fma(p, z, splat(-5.37397155531e-2f));
  p = fma(p, z, splat(1.33314422036e-1f));
  p = fma(p, z, splat(-3.33332819422e-1f));
  p = fma(p * z, x, x);
  vf big = 1.f - 2.f / (vexp(vabs(x) * 2.f) + 1.f);
  return vabs(x) < splat(0.625f) ? p : withSign(big, x);
}

INLINE vf vsoftplus(vf x) { return (x > vf{} ? x : vf{}) + vlog1p(vexp(-vabs(x))); }

// 1e-7 absolute for |x| < 8192, three-part range reduction to [-pi/4, pi/4]; larger arguments go through libm.
template <bool COSINE> INLINE vf vsincos(vf x) {
  vf t = fma(x, splat(0.63661977236758134f), splat(12582912.f));
  vi quadrant = bits(t) + (COSINE ? 1 : 0);
  vf k = t - 12582912.f;
  vf r = fma(k, splat(-1.5703125f), x);
  r = fma(k, splat(-4.837512969970703125e-4f), r);
  r = fma(k, splat(-7.549789948768648e-8f), r);
  vf z = r * r;
  vf s = fma(fma(fma(splat(-1.9515295891e-4f), z, splat(8.3321608736e-3f)), z, splat(-1.6666654611e-1f)), z * r, r);
  vf c = fma(fma(fma(splat(2.443315711809948e-5f), z, splat(-1.388731625493765e-3f)), z, splat(4.166664568298827e-2f)),
             z * z, fma(z, splat(-0.5f), splat(1.f)));
  vf y = (quadrant & 1) != 0 ? c : s;
  y = bits(bits(y) ^ ((quadrant & 2) << 30));
  vi wild = !(vabs(x) < splat(8192.f));
  bool any = false;
  for (int i = 0; i < VL; i++) any |= wild[i] != 0;
  if (__builtin_expect(any, 0))
    for (int i = 0; i < VL; i++)
      if (wild[i]) y[i] = (float)(COSINE ? __builtin_cos((double)x[i]) : __builtin_sin((double)x[i]));
  return y;
}
