// C[m, n] (+)= sum over k of A(m, k) B[k, n], with A(m, k) = A[m * am + k * ak]: am = K, ak = 1 for plain A, am = 1 for
// its transpose. m and k are anything. The order of the sum over k is the same for every row,
// so a row's result does not depend on where it stands in a tile. T is float or double; n is a multiple of its lanes.
#pragma once
#include "vec.h"

// Register tile, in rows x vectors: as large as the register file allows without spilling.
#if VL == 16
constexpr int GEMM_ROWS = 8, GEMM_VECTORS = 2;
#else
constexpr int GEMM_ROWS = 4, GEMM_VECTORS = 2;
#endif

// What becomes of a sum before it is stored.
struct Plain {
  static vf of(vf sum) { return sum; }
  static vd of(vd sum) { return sum; }
};
struct Sine {
  static vf of(vf sum) { return sine_quarters(sum); }
};

template <int R, int V, bool ACCUMULATE, class Finish, class T>
FUNCTA_INLINE void gemm_tile(int k_count, const T* a, int am, int ak, const T* b, int ldb, T* c, int ldc) {
  using vt = decltype(load(a));
  constexpr int N = sizeof(vt) / sizeof(T);
  vt sum[R][V];
  for (int i = 0; i < R; i++)
    for (int j = 0; j < V; j++) sum[i][j] = ACCUMULATE ? load(c + i * ldc + j * N) : vt{};
  for (int k = 0; k < k_count; k++) {
    vt row[V];
    for (int j = 0; j < V; j++) row[j] = load(b + k * ldb + j * N);
    for (int i = 0; i < R; i++) {
      vt value = splat(a[i * am + k * ak]);
      for (int j = 0; j < V; j++) sum[i][j] = fma(value, row[j], sum[i][j]);
    }
  }
  for (int i = 0; i < R; i++)
    for (int j = 0; j < V; j++) store(c + i * ldc + j * N, Finish::of(sum[i][j]));
}

template <int V, bool ACCUMULATE, class Finish, class T>
FUNCTA_INLINE void gemm_columns(int m_count, int k_count, const T* a, int am, int ak, const T* b, int ldb, T* c, int ldc) {
  int m = 0;
  for (; m + GEMM_ROWS <= m_count; m += GEMM_ROWS)
    gemm_tile<GEMM_ROWS, V, ACCUMULATE, Finish>(k_count, a + m * am, am, ak, b, ldb, c + m * ldc, ldc);
  if (m + 4 <= m_count) {
    gemm_tile<4, V, ACCUMULATE, Finish>(k_count, a + m * am, am, ak, b, ldb, c + m * ldc, ldc);
    m += 4;
  }
  switch (m_count - m) {
    case 3: gemm_tile<3, V, ACCUMULATE, Finish>(k_count, a + m * am, am, ak, b, ldb, c + m * ldc, ldc); break;
    case 2: gemm_tile<2, V, ACCUMULATE, Finish>(k_count, a + m * am, am, ak, b, ldb, c + m * ldc, ldc); break;
    case 1: gemm_tile<1, V, ACCUMULATE, Finish>(k_count, a + m * am, am, ak, b, ldb, c + m * ldc, ldc); break;
    default: break;
  }
}

template <bool ACCUMULATE, class Finish = Plain, class T>
static __attribute__((noinline)) void gemm(int m_count, int n_count, int k_count, const T* a, int am, int ak, const T* b, int ldb, T* c, int ldc) {
  constexpr int N = sizeof(load(a)) / sizeof(T);
  int n = 0;
  for (; n + GEMM_VECTORS * N <= n_count; n += GEMM_VECTORS * N)
    gemm_columns<GEMM_VECTORS, ACCUMULATE, Finish>(m_count, k_count, a, am, ak, b + n, ldb, c + n, ldc);
  for (; n < n_count; n += N) gemm_columns<1, ACCUMULATE, Finish>(m_count, k_count, a, am, ak, b + n, ldb, c + n, ldc);
}
