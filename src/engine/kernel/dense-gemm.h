// Matrix products the way of K. Goto and R. van de Geijn (Anatomy of High-Performance Matrix Multiplication, 2008): panels
// of B stay in the first cache, blocks of A in the second, a register tile of MR x NR vectors of C is summed over a run of
// KC. Included by dense.cc alone.
//
// Threads share rows and columns of C, never the sum over k, so the result does not depend on their number.

#if VL == 16
enum { MR = 8, NV = 2 };
#else
enum { MR = 4, NV = 2 };
#endif
enum { NR = NV * VL, KC = 256, MC = 64, NC = 2048 };

// One matrix of the product as the packing sees it: element (i, k) at i * row + k * column.
struct Matrix {
  const float* data;
  int64_t row, column;
};

typedef float v4 __attribute__((vector_size(16)));
typedef float v4u __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t v4i __attribute__((vector_size(16)));

// to[k * width + i] = from[i * stride + k] for i < 4, k < 4.
INLINE void transpose4(const float* from, int64_t stride, float* to, int64_t width) {
  v4 r0 = *(const v4u*)from, r1 = *(const v4u*)(from + stride);
  v4 r2 = *(const v4u*)(from + 2 * stride), r3 = *(const v4u*)(from + 3 * stride);
#if defined(__clang__)
  v4 a = __builtin_shufflevector(r0, r1, 0, 4, 1, 5), b = __builtin_shufflevector(r2, r3, 0, 4, 1, 5);
  v4 c = __builtin_shufflevector(r0, r1, 2, 6, 3, 7), d = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
  *(v4u*)to = __builtin_shufflevector(a, b, 0, 1, 4, 5);
  *(v4u*)(to + width) = __builtin_shufflevector(a, b, 2, 3, 6, 7);
  *(v4u*)(to + 2 * width) = __builtin_shufflevector(c, d, 0, 1, 4, 5);
  *(v4u*)(to + 3 * width) = __builtin_shufflevector(c, d, 2, 3, 6, 7);
#else
  v4 a = __builtin_shuffle(r0, r1, v4i{0, 4, 1, 5}), b = __builtin_shuffle(r2, r3, v4i{0, 4, 1, 5});
  v4 c = __builtin_shuffle(r0, r1, v4i{2, 6, 3, 7}), d = __builtin_shuffle(r2, r3, v4i{2, 6, 3, 7});
  *(v4u*)to = __builtin_shuffle(a, b, v4i{0, 1, 4, 5});
  *(v4u*)(to + width) = __builtin_shuffle(a, b, v4i{2, 3, 6, 7});
  *(v4u*)(to + 2 * width) = __builtin_shuffle(c, d, v4i{0, 1, 4, 5});
  *(v4u*)(to + 3 * width) = __builtin_shuffle(c, d, v4i{2, 3, 6, 7});
#endif
}

// Packs rows [i0, i0 + rows) and k in [k0, k0 + depth) as depth groups of `width`, the missing rows as zeros.
static void packPanel(const Matrix& from, int64_t i0, int64_t rows, int64_t k0, int64_t depth, int64_t width, float* to) {
  const float* base = from.data + i0 * from.row + k0 * from.column;
  if (rows < width)
    for (int64_t k = 0; k < depth; k++)
      for (int64_t i = rows; i < width; i++) to[k * width + i] = 0;
  if (from.row == 1) {
    for (int64_t k = 0; k < depth; k++) {
      const float* source = base + k * from.column;
      float* target = to + k * width;
      int64_t i = 0;
      for (; i + 4 <= rows; i += 4) *(v4u*)(target + i) = *(const v4u*)(source + i);
      for (; i < rows; i++) target[i] = source[i];
    }
    return;
  }
  int64_t i = 0;
  if (from.column == 1)
    for (; i + 4 <= rows; i += 4) {
      int64_t k = 0;
      for (; k + 4 <= depth; k += 4) transpose4(base + i * from.row + k, from.row, to + k * width + i, width);
      for (; k < depth; k++)
        for (int64_t r = i; r < i + 4; r++) to[k * width + r] = base[r * from.row + k];
    }
  for (; i < rows; i++)
    for (int64_t k = 0; k < depth; k++) to[k * width + i] = base[i * from.row + k * from.column];
}

// C tile of ROWS x COLUMNS vectors, at c with the row stride ldc; adds to what is there unless it is the first run of k.
template <int ROWS, int COLUMNS>
static void tile(const float* a, const float* b, int64_t depth, float* c, int64_t ldc, bool first) {
  vf sum[ROWS][COLUMNS];
  for (int i = 0; i < ROWS; i++)
    for (int j = 0; j < COLUMNS; j++) sum[i][j] = vf{};
  for (int64_t k = 0; k < depth; k++) {
    vf row[COLUMNS];
    for (int j = 0; j < COLUMNS; j++) row[j] = *(const vf*)(b + k * NR + j * VL);
    for (int i = 0; i < ROWS; i++) {
      vf x = splat(a[k * MR + i]);
      for (int j = 0; j < COLUMNS; j++) sum[i][j] = fma(x, row[j], sum[i][j]);
    }
  }
  for (int i = 0; i < ROWS; i++)
    for (int j = 0; j < COLUMNS; j++) {
      float* to = c + i * ldc + j * VL;
      store(to, first ? sum[i][j] : load(to) + sum[i][j]);
    }
}

typedef void (*Tile)(const float*, const float*, int64_t, float*, int64_t, bool);
template <int COLUMNS> INLINE Tile tileOf(int64_t rows) {
#if VL == 16
  static const Tile table[MR] = {tile<1, COLUMNS>, tile<2, COLUMNS>, tile<3, COLUMNS>, tile<4, COLUMNS>,
                                 tile<5, COLUMNS>, tile<6, COLUMNS>, tile<7, COLUMNS>, tile<8, COLUMNS>};
#else
  static const Tile table[MR] = {tile<1, COLUMNS>, tile<2, COLUMNS>, tile<3, COLUMNS>, tile<4, COLUMNS>};
#endif
  return table[rows - 1];
}

// Where a product is written: element (i, j) at i * row + j * column.
struct Target {
  float* data;
  int64_t row, column;
};

INLINE void tileInto(const float* a, const float* b, int64_t depth, const Target& c, int64_t i, int64_t j, int64_t rows,
                     int64_t columns, bool first) {
  float* at = c.data + i * c.row + j * c.column;
  if (c.column == 1 && columns == NR) return tileOf<NV>(rows)(a, b, depth, at, c.row, first);
  if (c.column == 1 && columns == VL) return tileOf<1>(rows)(a, b, depth, at, c.row, first);
  alignas(64) float spare[MR * NR];
  (columns <= VL ? tileOf<1>(rows) : tileOf<NV>(rows))(a, b, depth, spare, NR, true);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t s = 0; s < columns; s++) {
      float* to = at + r * c.row + s * c.column;
      *to = first ? spare[r * NR + s] : *to + spare[r * NR + s];
    }
}

INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
INLINE int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// What is done to a row of C once its sums are complete.
struct Finish {
  const float* bias;
  int activation;
  float alpha;
};
static void finishRow(const Finish& f, float* row, int64_t from, int64_t n);

struct Product {
  DensePool* pool;
  Matrix a, b;  // b as (j, k)
  Target c;
  int64_t m, n, k;
  Finish finish;
  bool swapped;  // c is written transposed; bias and activation wait until the end

  float* packedB;
  int64_t j0, width, k0, depth, groups;
};

static void packB(void* context, int64_t panel, int) {
  Product& p = *(Product*)context;
  int64_t j = p.j0 + panel * NR;
  packPanel(p.b, j, least(NR, p.n - j), p.k0, p.depth, NR, p.packedB + panel * NR * p.depth);
}

// One block of MC rows against one group of column panels.
static void multiplyBlock(void* context, int64_t index, int worker) {
  Product& p = *(Product*)context;
  int64_t i0 = index / p.groups * MC, rows = least(MC, p.m - i0), panels = ceilDiv(p.width, NR);
  int64_t group = index % p.groups, from = panels * group / p.groups, to = panels * (group + 1) / p.groups;
  float* packedA = p.pool->scratch(p.pool, worker, 0, MC * KC);
  for (int64_t i = 0; i < rows; i += MR)
    packPanel(p.a, i0 + i, least(MR, rows - i), p.k0, p.depth, MR, packedA + i * p.depth);
  for (int64_t panel = from; panel < to; panel++) {
    int64_t j = p.j0 + panel * NR;
    for (int64_t i = 0; i < rows; i += MR)
      tileInto(packedA + i * p.depth, p.packedB + panel * NR * p.depth, p.depth, p.c, i0 + i, j, least(MR, rows - i),
               least(NR, p.n - j), p.k0 == 0);
  }
  bool last = p.k0 + p.depth == p.k;
  if (last && !p.swapped && (p.finish.bias || p.finish.activation != DENSE_IDENTITY))
    for (int64_t i = i0; i < i0 + rows; i++)
      finishRow(p.finish, p.c.data + i * p.c.row, p.j0 + from * NR, least(p.j0 + to * NR, p.n));
}

// `worker` < 0: this call may use all threads; otherwise it runs on that worker alone.
static void multiply(Product& p, int worker) {
  for (p.j0 = 0; p.j0 < p.n; p.j0 += NC)
    for (p.k0 = 0; p.k0 < p.k; p.k0 += KC) {
      p.width = least(NC, p.n - p.j0);
      p.depth = least(KC, p.k - p.k0);
      int64_t panels = ceilDiv(p.width, NR), blocks = ceilDiv(p.m, MC);
      p.packedB = p.pool->scratch(p.pool, worker, 1, KC * NC);
      bool threaded = worker < 0 && p.m * p.width * p.depth > 1 << 20;  // some 10 microseconds
      if (threaded) {
        p.groups = least(panels, blocks >= 4 * p.pool->threads ? 1 : ceilDiv(4 * p.pool->threads, blocks));
        p.pool->run(p.pool, panels, packB, &p);
        p.pool->run(p.pool, blocks * p.groups, multiplyBlock, &p);
      } else {
        p.groups = 1;
        for (int64_t i = 0; i < panels; i++) packB(&p, i, worker);
        for (int64_t i = 0; i < blocks; i++) multiplyBlock(&p, i, worker);
      }
    }
}

static void gemmOne(DensePool* pool, const DenseGemm& g, int64_t item, int worker) {
  Product p;
  p.pool = pool;
  const float *a = g.a + item * g.batchA, *b = g.b + item * g.batchB;
  float* c = g.c + item * g.m * g.n;
  p.finish = {g.bias, g.activation, g.alpha};
  Matrix left = {a, g.transposeA ? 1 : g.k, g.transposeA ? g.m : 1};
  Matrix right = {b, g.transposeB ? g.k : 1, g.transposeB ? 1 : g.n};
  p.k = g.k;
  // Few columns would leave most of a vector empty: compute the transpose, whose rows are cheap in any number.
  p.swapped = g.n < VL && g.m > g.n;
  p.a = p.swapped ? right : left;
  p.b = p.swapped ? left : right;
  p.m = p.swapped ? g.n : g.m;
  p.n = p.swapped ? g.m : g.n;
  p.c = p.swapped ? Target{c, 1, g.n} : Target{c, g.n, 1};
  if (g.k == 0)
    for (int64_t i = 0; i < g.m * g.n; i++) c[i] = 0;
  multiply(p, worker);
  if ((p.swapped || g.k == 0) && (g.bias || g.activation != DENSE_IDENTITY))
    for (int64_t i = 0; i < g.m; i++) finishRow(p.finish, c + i * g.n, 0, g.n);
}

struct Batch {
  DensePool* pool;
  const DenseGemm* g;
};

static void gemm(DensePool* pool, const DenseGemm* g) {
  Batch all = {pool, g};
  if (g->batch >= 2 * pool->threads && g->m * g->n * g->k < 1 << 22)
    return pool->run(
        pool, g->batch, [](void* c, int64_t item, int worker) { gemmOne(((Batch*)c)->pool, *((Batch*)c)->g, item, worker); },
        &all);
  for (int64_t item = 0; item < g->batch; item++) gemmOne(pool, *g, item, -1);
}
