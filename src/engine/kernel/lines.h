// Interpolation for evaluation. A point interpolates along the axes before the last once for its whole line (the points
// that share those coordinates), then along the last axis: two rows of shifts a level instead of 2^axes. Points of a list
// are lines of one point; the arithmetic is the same, so a value does not depend on how it was asked for.
#pragma once
#include "tile.h"

namespace functa {

constexpr int LINE_SLOTS = 4;  // lines that one tile may touch at the same time
constexpr int MAX_ROWS = 2 * MAX_LEVELS;

// The rows of shifts that one point sums, and their weights.
struct PointRows {
  const float* row[MAX_ROWS];
  float weight[MAX_ROWS];
};

struct Lines {
  float* slot[LINE_SLOTS][MAX_LEVELS];  // [cells along the last axis, row]
  long line[LINE_SLOTS];                // which line stands there, -1 for none
  int first[MAX_LEVELS], count[MAX_LEVELS];  // cells of it that the unit reads
  float* point[MAX_LEVELS];             // [TILE, 2, row]: lines of one point
  float* entries;                       // [TILE, axes, entry]
  PointRows* rows;                      // [TILE]
};

FUNCTA_INLINE int last_cells(const Spec& s, int k) { return s.level[k].cells[s.axes - 1]; }

FUNCTA_INLINE Lines lines_views(const Spec& s, const Dims& d, bool whole_lines, Arena& arena) {
  Lines l{};
  for (int k = 0; k < d.level_count; k++) {
    if (d.grid[k].global || d.axes == 1) continue;
    if (!whole_lines) l.point[k] = arena.take(2L * TILE * d.row);
    for (int i = 0; whole_lines && i < LINE_SLOTS; i++) l.slot[i][k] = arena.take((long)last_cells(s, k) * d.row);
  }
  for (int i = 0; i < LINE_SLOTS; i++) l.line[i] = -1;
  l.entries = arena.take((long)TILE * MAX_AXES * axis_entry_floats(s));
  l.rows = (PointRows*)arena.take(TILE * sizeof(PointRows) / sizeof(float));
  return l;
}

// out[0..n) = sum of weight[i] * source[i][0..n), i < COUNT.
template <int COUNT>
FUNCTA_INLINE void blend(const float* const* source, const float* weight, float* out, long n) {
  const float* from[COUNT];
  for (int i = 0; i < COUNT; i++) from[i] = source[i];
  for (long j = 0; j < n; j += VL) {
    vf sum = load(from[0] + j) * weight[0];
    for (int i = 1; i < COUNT; i++) sum = fma(splat(weight[i]), load(from[i] + j), sum);
    store(out + j, sum);
  }
}

// Level k interpolated along the axes before the last, whose entries are given: cells first..first+count of the last axis.
FUNCTA_INLINE void blend_line(const Spec& s, const Dims& d, const Shifts& shifts, int k, const float* const* entry, int first, int count, float* out) {
  const int leading = d.axes - 1, at = s.use_global + s.use_local + 2 * s.harmonics + 3 * k;
  const float* source[MAX_CORNERS / 2];
  float weight[MAX_CORNERS / 2];
  int corners = 0;
  for (int corner = 0; corner < (s.level[k].linear ? 1 << leading : 1); corner++) {
    long index = 0;
    float product = 1;
    for (int a = 0; a < leading; a++) {
      const float* e = entry[a] + at;
      const int above = corner >> (leading - 1 - a) & 1;
      index = index * s.level[k].cells[a] + ((const int32_t*)e)[above];
      if (s.level[k].linear) product *= above ? e[2] : 1 - e[2];
    }
    source[corners] = shifts.cell[k] + (index * last_cells(s, k) + first) * d.row;
    weight[corners++] = product;
  }
  const long n = (long)count * d.row;
  if (corners == 1) blend<1>(source, weight, out, n);
  else if (corners == 2) blend<2>(source, weight, out, n);
  else blend<4>(source, weight, out, n);
}

// The rows of point t, whose entries are given; its line is in `slot`, or -1: a line of its own.
FUNCTA_INLINE void point_rows(const Spec& s, const Dims& d, const Shifts& shifts, Lines& l, int t, int slot, const float* const* entry) {
  PointRows& rows = l.rows[t];
  int n = 0;
  for (int k = 0; k < d.level_count; k++) {
    if (d.grid[k].global) continue;
    const float* e = entry[d.axes - 1] + s.use_global + s.use_local + 2 * s.harmonics + 3 * k;
    const int below = ((const int32_t*)e)[0], above = ((const int32_t*)e)[1], linear = s.level[k].linear;
    const float* base;
    long next = (long)(above - below) * d.row;
    if (d.axes == 1) base = shifts.cell[k] + (long)below * d.row;
    else if (slot >= 0) base = l.slot[slot][k] + (long)below * d.row;
    else {
      float* own = l.point[k] + 2L * t * d.row;
      blend_line(s, d, shifts, k, entry, below, linear ? above - below + 1 : 1, own);
      base = own;
    }
    rows.row[n] = base;
    rows.weight[n++] = linear ? 1 - e[2] : 1.f;
    if (!linear) continue;
    rows.row[n] = base + next;
    rows.weight[n++] = e[2];
  }
}

template <int ROWS>
FUNCTA_INLINE void sum_rows(const PointRows* rows, const float* base, int columns, float* z, int ldz, int column) {
  for (int t = 0; t < TILE; t++) {
    const float* row[ROWS + 1];
    vf weight[ROWS + 1];
    for (int i = 0; i < ROWS; i++) {
      row[i] = rows[t].row[i] + column;
      weight[i] = splat(rows[t].weight[i]);
    }
    for (int j = 0; j < columns; j += VL) {
      vf sum = load(base + column + j);
      for (int i = 0; i < ROWS; i++) sum = fma(weight[i], load(row[i] + j), sum);
      store(z + t * ldz + j, sum);
    }
  }
}

static void sum_many_rows(const PointRows* rows, int count, const float* base, int columns, float* z, int ldz, int column) {
  for (int t = 0; t < TILE; t++)
    for (int j = 0; j < columns; j += VL) {
      vf sum = load(base + column + j);
      for (int i = 0; i < count; i++) sum = fma(splat(rows[t].weight[i]), load(rows[t].row[i] + column + j), sum);
      store(z + t * ldz + j, sum);
    }
}

// What `gather` of geometry.h does, through the rows of points.
struct LineGather {
  const PointRows* rows;
  int count;
  const float* base;
  void operator()(int column, int columns, float* z, int ldz) const {
    switch (count) {
      case 0: sum_rows<0>(rows, base, columns, z, ldz, column); break;
      case 2: sum_rows<2>(rows, base, columns, z, ldz, column); break;
      case 4: sum_rows<4>(rows, base, columns, z, ldz, column); break;
      case 6: sum_rows<6>(rows, base, columns, z, ldz, column); break;
      default: sum_many_rows(rows, count, base, columns, z, ldz, column);
    }
  }
};

}  // namespace functa
