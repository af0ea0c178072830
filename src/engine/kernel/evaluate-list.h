// Evaluation at a list of points. A unit is a chunk of the list for a run of modulations: what a point reads, and its features,
// are found once for all of them. A level small enough is mapped by M whole; of the others each tile maps what its points read.
#pragma once
#include "evaluate-tile.h"

namespace functa {

constexpr int LIST_POINTS = 256;        // points of a chunk
constexpr int LIST_WORK = 4096;         // points of a unit, its modulations taken together
constexpr long LIST_FLOATS = 1 << 17;   // mapped cells of whole levels: half a megabyte, they stay in L2

struct List {
  int leading;                // corners along the axes but the last that a point reads of a level, at most; those that a level lacks have no weight
  struct {
    int cells;                // that a point reads
    bool whole;
    long at;                  // of its first row of shifts, in `cells`
  } level[MAX_LEVELS];
  int taps, rows;             // along the last axis, of all levels; rows of shifts, `leading` a tap
  float *others, *last;       // [points, width]: features along the axes but the last, and along it
  int32_t *cell, *at;         // [points, rows]: a cell of its level; where its row of shifts stands in `cells`
  float *weight, *along;      // [points, rows]: along the axes but the last; [points, taps]: along the last
  float *entries, *channels, *cells;
};

FUNCTA_INLINE int list_chunk(const Job* job) { return job->evaluate_points < LIST_POINTS ? (int)job->evaluate_points : LIST_POINTS; }
FUNCTA_INLINE int list_chunks(const Job* job) { return (int)((job->evaluate_points + LIST_POINTS - 1) / LIST_POINTS); }
FUNCTA_INLINE int list_run(const Job* job) { return (LIST_WORK + list_chunk(job) - 1) / list_chunk(job); }
static int list_units(const Job* job) { return list_chunks(job) * ((job->count + list_run(job) - 1) / list_run(job)); }

static List list_views(const Job* job, const Dims& d, Arena& arena) {
  List list{};
  const long points = list_chunk(job);
  long floats = 0, channels = 0;
  list.leading = 1;
  for (int k = 0; k < d.level_count; k++) {
    if (d.grid[k].global) continue;
    auto& level = list.level[k];
    level.cells = d.grid[k].corners;
    if (d.grid[k].leading > list.leading) list.leading = d.grid[k].leading;
    const int64_t all = (int64_t)d.grid[k].cells * d.row;
    level.whole = d.grid[k].cells <= points * level.cells && floats + all <= LIST_FLOATS;
    level.at = floats;
    floats += level.whole ? all : (long)TILE * level.cells * d.row;
    if (!level.whole && TILE * level.cells * d.grid[k].channels > channels) channels = TILE * level.cells * d.grid[k].channels;
    list.taps += job->spec.level[k].taps;
  }
  list.rows = list.taps * list.leading;
  list.others = arena.take(points * d.width);
  list.last = arena.take(points * d.width);
  list.cell = (int32_t*)arena.take(points * list.rows);
  list.at = (int32_t*)arena.take(points * list.rows);
  list.weight = arena.take(points * list.rows);
  list.along = arena.take(points * list.taps);
  list.entries = arena.take((long)MAX_AXES * axis_entry_floats(job->spec));
  list.channels = arena.take(channels);
  list.cells = arena.take(floats);
  return list;
}

// What point p of the chunk reads, and its features.
static void list_point(const Job* job, const Dims& d, const Net& n, List& list, int p, const float* coordinates) {
  const Spec& s = job->spec;
  const int last = d.axes - 1, entry_floats = axis_entry_floats(s);
  zero(list.others + (long)p * d.width, d.width);
  zero(list.last + (long)p * d.width, d.width);
  for (int a = 0; a <= last; a++) {
    float* entry = list.entries + (long)a * entry_floats;
    axis_entry(s, a, coordinates[a], entry);
    add_features(s, d, n, a, entry, (a < last ? list.others : list.last) + (long)p * d.width);
  }
  long r = (long)p * list.rows, along = (long)p * list.taps;
  for (int k = 0; k < d.level_count; k++) {
    if (d.grid[k].global) continue;
    const auto& level = list.level[k];
    const int leading = d.grid[k].leading, per_axis = s.level[k].taps;
    const Taps ends = taps_of(s, list.entries + (long)last * entry_floats, k);
    for (int end = 0; end < per_axis; end++) {
      list.along[along++] = ends.weight[end];
      for (int i = 0; i < list.leading; i++, r++) {
        const int corner = i < leading ? i : 0;
        int32_t index = 0;
        float product = i < leading ? 1 : 0;
        for (int a = 0; a < last; a++) {
          const Taps taps = taps_of(s, list.entries + (long)a * entry_floats, k);
          const int tap = tap_at(corner, per_axis, last, a);
          index = index * s.level[k].cells[a] + taps.cell[tap];  // no circle: that is the last axis alone
          product *= taps.weight[tap];
        }
        list.weight[r] = product;
        list.cell[r] = index * s.level[k].cells[last] + cell_at(s, s.level[k], last, ends.cell[end]);
        const int read = end * leading + corner;
        list.at[r] = (int32_t)(level.at + (long)(level.whole ? list.cell[r] : p % TILE * level.cells + read) * d.row);
      }
    }
  }
}

// The cells that points first..first+count read of the levels that are not mapped whole, mapped by M.
static void map_list_tile(const Dims& d, const Net& n, const List& list, const float* phi, int first, int count) {
  for (int k = 0, r = 0; k < d.level_count; k++) {
    if (d.grid[k].global) continue;
    const auto& level = list.level[k];
    if (!level.whole) {
      const int channels = d.grid[k].channels;
      float* to = list.channels;
      for (int t = 0; t < count; t++)
        for (int i = 0; i < level.cells; i++) {
          const int row = i / d.grid[k].leading * list.leading + i % d.grid[k].leading;
          const float* from = phi + d.grid[k].offset + (long)list.cell[(long)(first + t) * list.rows + r + row] * channels;
          for (int c = 0; c < channels; c++) *to++ = from[c];
        }
      gemm<false>(count * level.cells, d.row, channels, list.channels, channels, 1, n.m[k], d.row, list.cells + level.at, d.row);
    }
    r += level.cells / d.grid[k].leading * list.leading;
  }
}

// The tile of a list's points from `first` on. In a namespace of its own file: members of a class are otherwise one function in
// the addon, of whichever instruction set the linker met first.
namespace {
struct ListTile {
  const Dims& d;
  const List& list;
  const float* base;
  int first, valid;

  template <bool FIRST, bool SINE>
  void gather(int points, int column, int columns, float* z) const {
    if (list.leading == 1) rows<1, FIRST, SINE>(points, column, columns, z);
    else if (list.leading == 2) rows<2, FIRST, SINE>(points, column, columns, z);
    else if (list.leading == 4) rows<4, FIRST, SINE>(points, column, columns, z);
    else rows<16, FIRST, SINE>(points, column, columns, z);
  }

  Gathered begin(int points, int column, int columns, float* z) const {
    gather<false, false>(points, column, columns, z);
    return {z, column, columns};
  }

  template <int LEADING, bool FIRST, bool SINE>
  void rows(int points, int column, int columns, float* z) const {
    for (int t = 0; t < points; t++, z += columns) {
      const int p = first + (t < valid ? t : 0);
      int j = 0;
      for (; j + 4 * VL <= columns; j += 4 * VL) vectors<LEADING, 4, FIRST, SINE>(p, column + j, z + j);
      if (columns - j == 3 * VL) vectors<LEADING, 3, FIRST, SINE>(p, column + j, z + j);
      else for (; j < columns; j += VL) vectors<LEADING, 1, FIRST, SINE>(p, column + j, z + j);
    }
  }

  template <int LEADING, int V, bool FIRST, bool SINE>
  inline __attribute__((always_inline)) void vectors(int p, int column, float* z) const {
    const int32_t* at = list.at + (long)p * list.rows;
    const float *weight = list.weight + (long)p * list.rows, *along = list.along + (long)p * list.taps;
    const float* cells = list.cells + column;
    vf sum[V];
    for (int v = 0; v < V; v++) {
      const int j = column + v * VL;
      sum[v] = load(base + j);
      if (FIRST) sum[v] = sum[v] + load(list.others + (long)p * d.width + j) + load(list.last + (long)p * d.width + j);
    }
    for (int tap = 0; tap < list.taps; tap++, at += LEADING, weight += LEADING) {
      vf shifts[V] = {};
      for (int corner = 0; corner < LEADING; corner++)
        for (int v = 0; v < V; v++) shifts[v] = fma(splat(weight[corner]), load(cells + at[corner] + v * VL), shifts[v]);
      for (int v = 0; v < V; v++) sum[v] = fma(splat(along[tap]), shifts[v], sum[v]);
    }
    for (int v = 0; v < V; v++) store(z + v * VL, SINE ? sine_quarters(sum[v]) : sum[v]);
  }
};
}  // namespace

static void list_unit(const Job* job, const Dims& d, const Net& n, List& list, const Outcome& outcome, int unit) {
  const int chunks = list_chunks(job), run = list_run(job), first_signal = unit / chunks * run;
  const long start = (long)(unit % chunks) * LIST_POINTS, left = job->evaluate_points - start;
  const int points = left < LIST_POINTS ? (int)left : LIST_POINTS;
  for (int p = 0; p < points; p++) list_point(job, d, n, list, p, job->coordinates + (start + p) * d.axes);
  for (int signal = first_signal; signal < first_signal + run && signal < job->count; signal++) {
    if (is_cancelled(job)) return;
    const float* phi = job->start + (long)signal * job->modulation;
    for (int k = 0; k < d.level_count; k++)
      if (list.level[k].whole) gemm<false>(d.grid[k].cells, d.row, d.grid[k].channels, phi + d.grid[k].offset, d.grid[k].channels, 1, n.m[k], d.row, list.cells + list.level[k].at, d.row);
    for (int first = 0; first < points; first += TILE) {
      const int valid = points - first < TILE ? points - first : TILE;
      map_list_tile(d, n, list, phi, first, valid);
      long at[TILE];
      for (int t = 0; t < valid; t++) at[t] = (long)signal * job->evaluate_points + start + first + t;
      evaluate_tile(job, d, n, outcome, ListTile{d, list, job->base + (long)signal * d.row, first, valid}, valid, at);
    }
  }
}

}  // namespace functa
