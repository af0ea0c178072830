// Where the points of a tile stand: coordinate features, and for each grid level the corners that each point
// interpolates. Neighbouring points mostly share their corners, so corners are kept by runs of points.
#pragma once
#include "layout.h"

namespace functa {

FUNCTA_INLINE double floor_(double x) { return __builtin_floor(x); }

// sin and cos of 2 pi t, by Taylor series on an eighth of a turn: no libm, the same bits everywhere.
FUNCTA_INLINE void sincos_turns(double t, double& sine, double& cosine) {
  double q = floor_(t * 4 + 0.5), x = (t * 4 - q) * 1.57079632679489661923, x2 = x * x;
  double s = x * (1 + x2 * (-1. / 6 + x2 * (1. / 120 + x2 * (-1. / 5040 + x2 * (1. / 362880 - x2 / 39916800)))));
  double c = 1 + x2 * (-1. / 2 + x2 * (1. / 24 + x2 * (-1. / 720 + x2 * (1. / 40320 - x2 / 3628800))));
  int quadrant = q > -9e18 && q < 9e18 ? (int)((int64_t)q & 3) : 0;  // beyond, no point has a phase
  sine = quadrant == 0 ? s : quadrant == 1 ? c : quadrant == 2 ? -s : -c;
  cosine = quadrant == 0 ? c : quadrant == 1 ? -s : quadrant == 2 ? -c : s;
}

// Whether an axis is a circle: places whole turns apart are the same, and cells beyond either end are those at the other.
FUNCTA_INLINE bool is_circle(const Spec& s, int axis) { return s.wraps && axis == s.axes - 1; }

// The cell of a level that a tap of an axis reads.
FUNCTA_INLINE int cell_at(const Spec& s, const Level& level, int axis, int cell) {
  if (!is_circle(s, axis)) return cell;
  const int n = level.cells[axis], rest = cell % n;
  return rest < 0 ? rest + n : rest;
}

// One coordinate of one axis: its features, then for each level the cells that make up its value, from below, and their weights.
// Around a circle cells are counted on, past the last one and before the first, so that those of neighbours are neighbours.
constexpr int TAP_FLOATS = 2 * MAX_TAPS;
constexpr double MOST_CELLS = 1 << 30;  // around a circle, either way: beyond, no point has a phase
FUNCTA_INLINE int axis_features(const Spec& s) { return s.use_global + s.use_local + 2 * s.harmonics; }
FUNCTA_INLINE int axis_entry_floats(const Spec& s) { return axis_features(s) + TAP_FLOATS * s.level_count; }

struct Taps {
  const int32_t* cell;   // [taps]
  const float* weight;   // [taps]
};

FUNCTA_INLINE Taps taps_of(const Spec& s, const float* entry, int k) {
  const float* at = entry + axis_features(s) + TAP_FLOATS * k;
  return {(const int32_t*)at, at + MAX_TAPS};
}

// The tap along axis `a` of a corner of `axes` axes: corners count taps like digits of base 1, 2 or 4, the last axis fastest.
FUNCTA_INLINE int tap_at(int corner, int taps, int axes, int a) { return corner >> (taps >> 1) * (axes - 1 - a) & (taps - 1); }

// Weights of the taps of a point that stands `f` of a cell past a knot; see coordinates.ts.
FUNCTA_INLINE void tap_weights(int taps, double f, float* weight) {
  const double g = 1 - f;
  if (taps == 1) weight[0] = 1;
  if (taps == 2) {
    weight[1] = (float)f;
    weight[0] = 1 - weight[1];
  }
  if (taps == 4) {
    weight[0] = (float)(-0.75 * f * g * g);
    weight[1] = (float)((1.25 * f - 2.25) * f * f + 1);
    weight[2] = (float)((1.25 * g - 2.25) * g * g + 1);
    weight[3] = (float)(-0.75 * g * f * f);
  }
}

static void axis_entry(const Spec& s, int axis, double x, float* entry) {
  const bool circle = is_circle(s, axis);
  // Whole turns are taken off before anything is rounded: places so far apart have the same bits.
  const double turns = circle ? floor_(x / s.shape[axis]) : 0;
  x -= turns * s.shape[axis];
  const double t = x / s.period[axis];
  if (s.use_global) *entry++ = (float)(2 * x / s.shape[axis] - 1);
  if (s.use_local) *entry++ = (float)(2 * (t - floor_(t)) - 1);
  for (int j = 1; j <= s.harmonics; j++) {
    // 0 where samples cannot tell the harmonic from a lower one; see coordinates.ts.
    double sine = 0, cosine = 0, wave = s.period[axis] / j;
    if (wave >= 2) sincos_turns(j * t, sine, cosine);
    *entry++ = wave < 2 ? 0 : (float)sine;
    *entry++ = wave > 2 ? (float)cosine : 0;
  }
  for (int k = 0; k < s.level_count; k++) {
    const Level& level = s.level[k];
    const double first = circle ? -MOST_CELLS : 0, last = circle ? MOST_CELLS : level.cells[axis] - 1;
    double p = level.global ? 0 : x / level.cell[axis] - (level.taps > 1 ? 0.5 : 0), f = floor_(p);
    int32_t* cells = (int32_t*)entry;
    for (int i = 0; i < level.taps; i++) {
      const double cell = f + i - (level.taps - 1) / 2 + turns * level.cells[axis];
      cells[i] = (int)(cell > last ? last : cell > first ? cell : first);
    }
    tap_weights(level.taps, p - f, entry + MAX_TAPS);
    entry += TAP_FLOATS;
  }
}

// A tile's geometry in flat memory.
struct Geometry {
  float* features;  // [TILE, feature_row]
  struct {
    int32_t* runs;  // [TILE + 1]: first point of each run, then TILE; the count stands in runs[TILE + 1]
    int32_t* cell;  // [TILE, corners] by run
    float* weight;  // [TILE, corners] by point
  } level[MAX_LEVELS];
};

FUNCTA_INLINE Geometry geometry_views(const Dims& d, Arena& arena) {
  Geometry g{};
  g.features = arena.take((long)TILE * d.feature_row);
  for (int k = 0; k < d.level_count; k++) {
    if (d.grid[k].global) continue;
    g.level[k].runs = (int32_t*)arena.take(TILE + 2);
    g.level[k].cell = (int32_t*)arena.take((long)TILE * d.grid[k].corners);
    g.level[k].weight = arena.take((long)TILE * d.grid[k].corners);
  }
  return g;
}

// Coordinate features of a point, whose axes' entries are given.
FUNCTA_INLINE void point_features(const Spec& s, const Dims& d, const float* const* entry, float* features) {
  const int ug = s.use_global, ul = s.use_local;
  for (int a = 0; a < d.axes; a++) {
    if (ug) features[a] = entry[a][0];
    if (ul) features[ug * d.axes + a] = entry[a][ug];
    for (int j = 0; j < s.harmonics; j++) {
      float* pair = features + (ug + ul) * d.axes + (j * d.axes + a) * 2;
      pair[0] = entry[a][ug + ul + 2 * j];
      pair[1] = entry[a][ug + ul + 2 * j + 1];
    }
  }
}

// Adds point t.
FUNCTA_INLINE void geometry_point(const Spec& s, const Dims& d, Geometry& g, int t, const float* const* entry) {
  point_features(s, d, entry, g.features + t * d.feature_row);
  for (int k = 0; k < d.level_count; k++) {
    if (d.grid[k].global) continue;
    auto& level = g.level[k];
    int32_t* const runs = level.runs;
    if (t == 0) runs[TILE + 1] = 0;
    int32_t& count = runs[TILE + 1];
    const int corners = d.grid[k].corners;
    int32_t* cell = level.cell + count * corners;
    float* weight = level.weight + t * corners;
    for (int corner = 0; corner < corners; corner++) {
      int32_t index = 0;
      float product = 1;
      for (int a = 0; a < d.axes; a++) {
        const Taps taps = taps_of(s, entry[a], k);
        const int tap = tap_at(corner, s.level[k].taps, d.axes, a);
        index = index * s.level[k].cells[a] + cell_at(s, s.level[k], a, taps.cell[tap]);
        product *= taps.weight[tap];
      }
      cell[corner] = index;
      weight[corner] = product;
    }
    bool same = count > 0;
    for (int corner = 0; same && corner < corners; corner++) same = cell[corner] == cell[corner - corners];
    if (!same) runs[count++] = t;
    runs[count] = t + 1;
  }
}

// z[t, :] = base + interpolated shifts, for `columns` columns of the shift rows (the pointers stand at the first). Of the ALL
// corners of a point, CORNERS are added.
template <int CORNERS, int ALL = CORNERS>
FUNCTA_INLINE void gather_level(const int32_t* runs, const int32_t* cell, const float* weight, const float* shifts, int row, int columns, float* z, int ldz) {
  const int count = runs[TILE + 1];
  for (int r = 0; r < count; r++) {
    const float* corner_row[CORNERS];
    for (int c = 0; c < CORNERS; c++) corner_row[c] = shifts + (long)cell[r * ALL + c] * row;
    const int t0 = runs[r], t1 = runs[r + 1];
    for (int j = 0; j < columns; j += VL) {
      vf corner[CORNERS];
      for (int c = 0; c < CORNERS; c++) corner[c] = load(corner_row[c] + j);
      for (int t = t0; t < t1; t++) {
        vf sum = load(z + t * ldz + j);
        for (int c = 0; c < CORNERS; c++) sum = fma(splat(weight[t * ALL + c]), corner[c], sum);
        store(z + t * ldz + j, sum);
      }
    }
  }
}

// The adjoint: adds weight * delta[t, :] to the shift rows of the corners.
template <int CORNERS, int ALL = CORNERS>
FUNCTA_INLINE void scatter_level(const int32_t* runs, const int32_t* cell, const float* weight, const float* delta, int ldd, int columns, float* shifts, int row) {
  const int count = runs[TILE + 1];
  for (int r = 0; r < count; r++) {
    float* corner_row[CORNERS];
    for (int c = 0; c < CORNERS; c++) corner_row[c] = shifts + (long)cell[r * ALL + c] * row;
    const int t0 = runs[r], t1 = runs[r + 1];
    for (int j = 0; j < columns; j += VL) {
      vf sum[CORNERS];
      for (int c = 0; c < CORNERS; c++) sum[c] = vf{};
      for (int t = t0; t < t1; t++) {
        vf v = load(delta + t * ldd + j);
        for (int c = 0; c < CORNERS; c++) sum[c] = fma(splat(weight[t * ALL + c]), v, sum[c]);
      }
      for (int c = 0; c < CORNERS; c++) store(corner_row[c] + j, load(corner_row[c] + j) + sum[c]);
    }
  }
}

static void gather(const Dims& d, const Geometry& g, const Shifts& s, int column, int columns, float* z, int ldz) {
  for (int t = 0; t < TILE; t++)
    for (int j = 0; j < columns; j += VL) store(z + t * ldz + j, load(s.base + column + j));
  for (int k = 0; k < d.level_count; k++) {
    if (d.grid[k].global) continue;
    const auto& level = g.level[k];
    const float* shifts = s.cell[k] + column;
    switch (d.grid[k].corners) {
      case 1: gather_level<1>(level.runs, level.cell, level.weight, shifts, d.row, columns, z, ldz); break;
      case 2: gather_level<2>(level.runs, level.cell, level.weight, shifts, d.row, columns, z, ldz); break;
      case 4: gather_level<4>(level.runs, level.cell, level.weight, shifts, d.row, columns, z, ldz); break;
      case 8: gather_level<8>(level.runs, level.cell, level.weight, shifts, d.row, columns, z, ldz); break;
      case 16: gather_level<16>(level.runs, level.cell, level.weight, shifts, d.row, columns, z, ldz); break;
      default:
        for (int c = 0; c < 64; c += 16) gather_level<16, 64>(level.runs, level.cell + c, level.weight + c, shifts, d.row, columns, z, ldz);
    }
  }
}

static void scatter(const Dims& d, const Geometry& g, const float* delta, int ldd, int column, int columns, const Shifts& s) {
  for (int k = 0; k < d.level_count; k++) {
    if (d.grid[k].global) continue;
    const auto& level = g.level[k];
    float* shifts = s.cell[k] + column;
    switch (d.grid[k].corners) {
      case 1: scatter_level<1>(level.runs, level.cell, level.weight, delta, ldd, columns, shifts, d.row); break;
      case 2: scatter_level<2>(level.runs, level.cell, level.weight, delta, ldd, columns, shifts, d.row); break;
      case 4: scatter_level<4>(level.runs, level.cell, level.weight, delta, ldd, columns, shifts, d.row); break;
      case 8: scatter_level<8>(level.runs, level.cell, level.weight, delta, ldd, columns, shifts, d.row); break;
      case 16: scatter_level<16>(level.runs, level.cell, level.weight, delta, ldd, columns, shifts, d.row); break;
      default:
        for (int c = 0; c < 64; c += 16) scatter_level<16, 64>(level.runs, level.cell + c, level.weight + c, delta, ldd, columns, shifts, d.row);
    }
  }
}

}  // namespace functa
