// Lines of a grid of points. It is cut into boxes, which threads share. A box maps the cells that it reads by M (so shifts
// live in cache, never in a picture's worth of memory), then goes line by line along the last axis: a line's row of shifts is
// interpolated along the other axes once, and its points interpolate along the last axis alone, as many rows of shifts a level
// as it has taps instead of taps^axes. Coordinate features are a sum over axes, so the first layer's product with them is one
// row a line and one row a column.
#pragma once
#include "evaluate-tile.h"

namespace functa {

constexpr long BOX_FLOATS = 1 << 17;              // mapped cells of a box: half a megabyte, they stay in L2
constexpr int BOX_LINE = 64, BOX_LINES = 32;      // points of a box along the last axis, and along the one before

// What a point reads along its line: for each level as many rows of shifts as it has taps, counted from the slot of the line.
struct PointRows {
  int32_t* offset;    // [taps]
  float* weight;      // [taps]
  int32_t like_next;  // does the next point of the line read the same rows?
};

// Points from `at` on in the caller's array, through the entries of their coordinates (one after the other along an axis).
struct Box {
  const float* entry[MAX_AXES];
  int count[MAX_AXES];
  long at, stride[MAX_AXES];
};

// The points of a tile, and what they are made of.
struct Lines {
  int slots, slot_floats;      // a slot holds a line: [row] of what its points share, then each level's cells, [row] each
  int points_a_line;           // most of them
  float *channels, *cells;     // of a box, before and after M
  float *slot, *features;      // [slots, slot_floats]; [points_a_line, width], the first layer's share of the last axis
  PointRows* rows;             // [points_a_line], which stand in
  int32_t* offsets;            // [points_a_line, taps]
  float* weights;
  float* leading;              // [width], the first layer's share of the other axes
  long line;                   // how many came before
  int held;                    // of them, the last ones that points of the tile read: at most `slots`
  int taps;                    // along a line, of all levels
  const float *phi, *base;     // of the signal
  // The points of the tile.
  int valid;
  const float *point_slot[TILE], *point_features[TILE];
  const PointRows* point_rows[TILE];
  long at[TILE];
};

// Most cells of level k that `points` neighbours along an axis read: those within their reach, and one at each end; the
// thousandth, and what a double cannot tell apart so far out, is for rounded positions.
FUNCTA_INLINE int cells_read(const Job* job, int k, int axis, int points) {
  const Level& level = job->spec.level[k];
  const double step = __builtin_fabs(job->grid_step[axis]), furthest = __builtin_fabs(job->grid_start[axis]) + step * job->grid_count[axis];
  const double reach = ((points - 1) * step + furthest * 1e-15) / level.cell[axis] + level.taps + 1.001;
  if (!is_circle(job->spec, axis)) return reach < level.cells[axis] ? (int)reach : level.cells[axis];
  // Around a circle a window may hold a cell more than once, and a point alone reads its taps.
  return points == 1 ? level.taps : reach < MOST_CELLS ? (int)reach : (int)MOST_CELLS;
}

FUNCTA_INLINE int64_t box_cells(const Job* job, int k, const int* points) {
  int64_t n = 1;
  for (int a = 0; a < job->spec.axes; a++) n *= cells_read(job, k, a, points[a]);
  return n;
}

FUNCTA_INLINE int64_t box_floats(const Job* job, const Dims& d, const int* points) {
  int64_t n = 0;
  for (int k = 0; k < d.level_count; k++)
    if (!d.grid[k].global) n += box_cells(job, k, points) * d.row;
  return n;
}

FUNCTA_INLINE int pieces(int n, int size) { return (n + size - 1) / size; }

// Cuts the grid: equal pieces of every axis, halved where they are longest until a box fits.
static void cut_boxes(Job* job, const Dims& d) {
  const int last = d.axes - 1;
  int* const box = job->box;
  for (int a = 0; a < MAX_AXES; a++) box[a] = 1;
  box[last] = BOX_LINE;
  if (last > 0) box[last - 1] = BOX_LINES;
  for (int a = 0; a < d.axes; a++) box[a] = job->grid_count[a] < box[a] ? job->grid_count[a] : box[a];
  for (;;) {
    int longest = 0;
    for (int a = 1; a < d.axes; a++)
      if (box[a] > box[longest]) longest = a;
    if (box[longest] == 1 || box_floats(job, d, box) <= BOX_FLOATS) break;
    box[longest] = (box[longest] + 1) / 2;
  }
  for (int a = 0; a < d.axes; a++) box[a] = pieces(job->grid_count[a], pieces(job->grid_count[a], box[a]));
}

static Lines lines_views(const Job* job, const Dims& d, Arena& arena) {
  Lines e{};
  const int last = d.axes - 1;
  e.points_a_line = job->box[last];
  e.slots = (TILE - 1) / e.points_a_line + 3;  // whole lines of a tile, and parts of those before and after: lines come in twos
  e.slot_floats = d.row;
  int64_t channels = 0;
  for (int k = 0; k < d.level_count; k++) {
    if (d.grid[k].global) continue;
    e.taps += job->spec.level[k].taps;
    e.slot_floats += cells_read(job, k, last, job->box[last]) * d.row;
    const int64_t floats = box_cells(job, k, job->box) * d.grid[k].channels;
    channels = floats > channels ? floats : channels;
  }
  e.channels = arena.take(channels);
  e.cells = arena.take(box_floats(job, d, job->box));
  e.slot = arena.take((long)e.slots * e.slot_floats);
  e.features = arena.take((long)e.points_a_line * d.width);
  e.rows = (PointRows*)arena.take((long)e.points_a_line * sizeof(PointRows) / sizeof(float));
  e.offsets = (int32_t*)arena.take((long)e.points_a_line * e.taps);
  e.weights = arena.take((long)e.points_a_line * e.taps);
  e.leading = arena.take(d.width);
  return e;
}

// out[0..n) = sum of weight[i] * source[i][0..n), i < COUNT. From zero: of a sum of two products a compiler would choose which
// one to round, here or in evaluate-list.h.
template <int COUNT>
FUNCTA_INLINE void blend(const float* const* source, const float* weight, float* out, long n) {
  const float* from[COUNT];
  for (int i = 0; i < COUNT; i++) from[i] = source[i];
  for (long j = 0; j < n; j += VL) {
    vf sum = vf{};
    for (int i = 0; i < COUNT; i++) sum = fma(splat(weight[i]), load(from[i] + j), sum);
    store(out + j, sum);
  }
}

// The same for two lines that read the same rows: these come from beyond the first cache, once for both.
template <int COUNT>
FUNCTA_INLINE void blend_two(const float* const* source, const float (*weight)[MAX_LEADING], float* out, float* other, long n) {
  const float* from[COUNT];
  for (int i = 0; i < COUNT; i++) from[i] = source[i];
  for (long j = 0; j < n; j += VL) {
    vf sum = vf{}, next = vf{};
    for (int i = 0; i < COUNT; i++) {
      const vf shifts = load(from[i] + j);
      sum = fma(splat(weight[0][i]), shifts, sum);
      next = fma(splat(weight[1][i]), shifts, next);
    }
    store(out + j, sum);
    store(other + j, next);
  }
}

// Cells of one level that a box reads, and where they stand mapped.
struct Window {
  int first[MAX_AXES], count[MAX_AXES];
  const float* cells;
};

FUNCTA_INLINE Window window_of(const Spec& s, const Box& box, int entry_floats, int k) {
  Window w{};
  const int top = s.level[k].taps - 1;
  for (int a = 0; a < s.axes; a++) {
    const int32_t* low = taps_of(s, box.entry[a], k).cell;
    const int32_t* high = taps_of(s, box.entry[a] + (long)(box.count[a] - 1) * entry_floats, k).cell;
    w.first[a] = low[0] < high[0] ? low[0] : high[0];
    w.count[a] = (low[top] > high[top] ? low[top] : high[top]) + 1 - w.first[a];
  }
  return w;
}

// The cells of a window, mapped by M. Around a circle they are copied from where they stand, turn by turn.
static void map_window(const Job* job, const Dims& d, const Net& n, const float* phi, int k, const Window& w, float* channels, float* out) {
  const int last = d.axes - 1, run = w.count[last] * d.grid[k].channels;
  int lines = 1, index[MAX_AXES] = {0, 0, 0};
  for (int a = 0; a < last; a++) lines *= w.count[a];
  for (int line = 0; line < lines; line++) {
    long cell = 0;
    const Level& level = job->spec.level[k];
    const bool circle = is_circle(job->spec, last);
    for (int a = 0; a < last; a++) cell = cell * level.cells[a] + w.first[a] + index[a];
    cell = cell * level.cells[last] + (circle ? 0 : w.first[last]);
    const float* from = phi + d.grid[k].offset + cell * d.grid[k].channels;
    float* to = channels + (long)line * run;
    if (!circle)
      for (int i = 0; i < run; i++) to[i] = from[i];
    for (int i = 0; circle && i < w.count[last]; i++)
      for (int c = 0; c < d.grid[k].channels; c++) *to++ = from[cell_at(job->spec, level, last, w.first[last] + i) * d.grid[k].channels + c];
    for (int a = last - 1; a >= 0 && ++index[a] == w.count[a]; a--) index[a] = 0;
  }
  gemm<false>(lines * w.count[last], d.row, d.grid[k].channels, channels, d.grid[k].channels, 1, n.m[k], d.row, out, d.row);
}

// V vectors of shifts from `column` on, of P points from t on that read the same rows: what the line shares, plus rows of shifts of every level;
// in the first layer with the features of the column.
template <int P, int V, bool FIRST>
FUNCTA_INLINE void shifts_of(const Lines& e, int t, int column, vf (*sum)[V]) {
  const float* shared = e.point_slot[t] + column;
  const int32_t* offset = e.point_rows[t]->offset;
  const float* weight[P];
  for (int p = 0; p < P; p++) weight[p] = e.point_rows[t + p]->weight;
  for (int p = 0; p < P; p++)
    for (int v = 0; v < V; v++) {
      sum[p][v] = load(shared + v * VL);
      if (FIRST) sum[p][v] += load(e.point_features[t + p] + column + v * VL);
    }
  for (int i = 0; i < e.taps; i++) {
    const float* row = shared + offset[i];
    for (int v = 0; v < V; v++) {
      const vf shifts = load(row + v * VL);
      for (int p = 0; p < P; p++) sum[p][v] = fma(splat(weight[p][i]), shifts, sum[p][v]);
    }
  }
}

// The same, written to z[t, :]; or their sines.
template <int P, int V, bool FIRST, bool SINE>
FUNCTA_INLINE void gather_points(const Lines& e, int t, int column, int columns, float* z) {
  vf sum[P][V];
  shifts_of<P, V, FIRST>(e, t, column, sum);
  for (int p = 0; p < P; p++)
    for (int v = 0; v < V; v++) store(z + (long)p * columns + v * VL, SINE ? sine_quarters(sum[p][v]) : sum[p][v]);
}

template <int P, bool FIRST, bool SINE>
FUNCTA_INLINE void gather_columns(const Lines& e, int t, int column, int columns, float* z) {
  int j = 0;
  for (; j + 4 * VL <= columns; j += 4 * VL) gather_points<P, 4, FIRST, SINE>(e, t, column + j, columns, z + j);
  for (; j < columns; j += VL) gather_points<P, 1, FIRST, SINE>(e, t, column + j, columns, z + j);
}

// Whether point t of the tile and the next read the same rows.
FUNCTA_INLINE bool are_alike(const Lines& e, int t) { return e.point_slot[t] == e.point_slot[t + 1] && e.point_rows[t]->like_next; }

// Shifts of two points, and of four, two by two where those are alike, wherever pairs begin.
template <int V>
FUNCTA_INLINE void shifts_of_two(const Lines& e, int t, int column, vf (*sum)[V]) {
  if (are_alike(e, t)) {
    shifts_of<2, V, false>(e, t, column, sum);
  } else {
    shifts_of<1, V, false>(e, t, column, sum);
    shifts_of<1, V, false>(e, t + 1, column, sum + 1);
  }
}

template <int V>
FUNCTA_INLINE void shifts_of_four(const Lines& e, int t, int column, vf (*sum)[V]) {
  if (are_alike(e, t + 1) && !are_alike(e, t) && !are_alike(e, t + 2)) {
    shifts_of<1, V, false>(e, t, column, sum);
    shifts_of<2, V, false>(e, t + 1, column, sum + 1);
    shifts_of<1, V, false>(e, t + 3, column, sum + 3);
  } else {
    shifts_of_two<V>(e, t, column, sum);
    shifts_of_two<V>(e, t + 2, column, sum + 2);
  }
}

namespace {
struct LinesTile {
  const Lines& e;

  template <bool FIRST, bool SINE>
  void gather(int points, int column, int columns, float* z) const {
    for (int t = 0; t < points;) {
      const int n = t + 1 < points && are_alike(e, t) ? 2 : 1;
      if (n == 2) gather_columns<2, FIRST, SINE>(e, t, column, columns, z + (long)t * columns);
      else gather_columns<1, FIRST, SINE>(e, t, column, columns, z + (long)t * columns);
      t += n;
    }
  }

#if VL == 16
  const LinesTile& begin(int, int, int, float*) const { return *this; }

  template <int R, int V>
  inline __attribute__((always_inline)) void start(int t, int column, vf (*sum)[V]) const {
    for (int r = 0; r < R; r += 4) shifts_of_four<V>(e, t + r, column, sum + r);
  }
#else
  Gathered begin(int points, int column, int columns, float* z) const {
    gather<false, false>(points, column, columns, z);
    return {z, column, columns};
  }
#endif
};
}  // namespace

static void lines_tile(const Job* job, const Dims& d, const Net& n, Lines& e, const Outcome& outcome) {
  for (int t = e.valid; t < round_up(e.valid, VL); t++) {
    e.point_slot[t] = e.point_slot[0];
    e.point_features[t] = e.point_features[0];
    e.point_rows[t] = e.point_rows[0];
  }
  evaluate_tile(job, d, n, outcome, LinesTile{e}, e.valid, e.at);
  e.valid = e.held = 0;
}

FUNCTA_INLINE bool same(const int32_t* a, const int32_t* b, int n) {
  bool all = true;
  for (int i = 0; i < n; i++) all &= a[i] == b[i];
  return all;
}

static void evaluate_box(const Job* job, const Dims& d, const Net& n, Lines& e, const Outcome& outcome, const Box& box) {
  const Spec& s = job->spec;
  const int entry_floats = axis_entry_floats(s), last = d.axes - 1;
  float* const columns = e.features;
  PointRows* const rows = e.rows;

  Window window[MAX_LEVELS];
  float* cells = e.cells;
  int level_at[MAX_LEVELS], at = d.row;
  for (int k = 0; k < d.level_count; k++) {
    if (d.grid[k].global) continue;
    Window& w = window[k] = window_of(s, box, entry_floats, k);
    map_window(job, d, n, e.phi, k, w, e.channels, cells);
    w.cells = cells;
    long count = d.row;
    for (int a = 0; a <= last; a++) count *= w.count[a];
    cells += count;
    level_at[k] = at;
    at += w.count[last] * d.row;
  }
  for (int i = 0; i < box.count[last]; i++) {
    const float* entry = box.entry[last] + (long)i * entry_floats;
    rows[i] = {e.offsets + (long)i * e.taps, e.weights + (long)i * e.taps, 0};
    zero(columns + (long)i * d.width, d.width);
    add_features(s, d, n, last, entry, columns + (long)i * d.width);
    for (int k = 0, r = 0; k < d.level_count; k++) {
      if (d.grid[k].global) continue;
      const Taps taps = taps_of(s, entry, k);
      for (int tap = 0; tap < s.level[k].taps; tap++, r++) {
        rows[i].offset[r] = level_at[k] + (taps.cell[tap] - window[k].first[last]) * d.row;
        rows[i].weight[r] = taps.weight[tap];
      }
    }
    if (i > 0) rows[i - 1].like_next = same(rows[i - 1].offset, rows[i].offset, e.taps);
  }

  long lines = 1;
  int index[MAX_AXES] = {0, 0, 0};
  for (int a = 0; a < last; a++) lines *= box.count[a];
  for (long line = 0; line < lines; line += 2) {
    const int count = lines - line < 2 ? 1 : 2;
    // A box at the edge of the grid may have lines so short that a tile would hold more of them than there are slots.
    if (e.held + count > e.slots) lines_tile(job, d, n, e, outcome);
    float* slot[2];
    const float* source[2][MAX_LEVELS][MAX_LEADING];
    float weight[MAX_LEVELS][2][MAX_LEADING];
    long point[2];
    for (int l = 0; l < count; l++) {
      slot[l] = e.slot + (e.line + l) % e.slots * e.slot_floats;
      point[l] = box.at;
      const float* entry[MAX_AXES];
      zero(e.leading, d.width);
      for (int a = 0; a < last; a++) {
        entry[a] = box.entry[a] + (long)index[a] * entry_floats;
        point[l] += index[a] * box.stride[a];
        add_features(s, d, n, a, entry[a], e.leading);
      }
      for (int j = 0; j < d.row; j += VL) store(slot[l] + j, j < d.width ? load(e.base + j) + load(e.leading + j) : load(e.base + j));
      for (int k = 0; k < d.level_count; k++) {
        if (d.grid[k].global) continue;
        const Window& w = window[k];
        const int corners = d.grid[k].leading;
        for (int corner = 0; corner < corners; corner++) {
          long row = 0;
          float& product = weight[k][l][corner] = 1;
          for (int a = 0; a < last; a++) {
            const Taps taps = taps_of(s, entry[a], k);
            const int tap = tap_at(corner, s.level[k].taps, last, a);
            row = row * w.count[a] + taps.cell[tap] - w.first[a];
            product *= taps.weight[tap];
          }
          source[l][k][corner] = w.cells + row * w.count[last] * d.row;
        }
      }
      for (int a = last - 1; a >= 0 && ++index[a] == box.count[a]; a--) index[a] = 0;
    }
    for (int k = 0; k < d.level_count; k++) {
      if (d.grid[k].global) continue;
      const int corners = d.grid[k].leading;
      const long floats = (long)window[k].count[last] * d.row;
      bool alike = count == 2;
      for (int corner = 0; alike && corner < corners; corner++) alike = source[0][k][corner] == source[1][k][corner];
      if (alike) {
        float *out = slot[0] + level_at[k], *other = slot[1] + level_at[k];
        if (corners == 1) blend_two<1>(source[0][k], weight[k], out, other, floats);
        else if (corners == 2) blend_two<2>(source[0][k], weight[k], out, other, floats);
        else if (corners == 4) blend_two<4>(source[0][k], weight[k], out, other, floats);
        else blend_two<16>(source[0][k], weight[k], out, other, floats);
        continue;
      }
      for (int l = 0; l < count; l++) {
        float* out = slot[l] + level_at[k];
        if (corners == 1) blend<1>(source[l][k], weight[k][l], out, floats);
        else if (corners == 2) blend<2>(source[l][k], weight[k][l], out, floats);
        else if (corners == 4) blend<4>(source[l][k], weight[k][l], out, floats);
        else blend<16>(source[l][k], weight[k][l], out, floats);
      }
    }
    for (int l = 0; l < count; l++, e.line++, e.held++)
      for (int i = 0; i < box.count[last]; i++) {
        const int t = e.valid++;
        e.point_slot[t] = slot[l];
        e.point_features[t] = columns + (long)i * d.width;
        e.point_rows[t] = rows + i;
        e.at[t] = point[l] + i;
        if (e.valid == TILE) lines_tile(job, d, n, e, outcome);
      }
  }
}

static int grid_boxes(const Job* job) {
  int boxes = 1;
  for (int a = 0; a < job->spec.axes; a++) boxes *= pieces(job->grid_count[a], job->box[a]);
  return boxes;
}

static void grid_unit(const Job* job, const Dims& d, const Net& n, Lines& e, const Outcome& outcome, int unit) {
  const int entry_floats = axis_entry_floats(job->spec), boxes = grid_boxes(job), signal = unit / boxes;
  e.phi = job->start + (long)signal * job->modulation;
  e.base = job->base + (long)signal * d.row;
  unit %= boxes;
  Box box{};
  box.at = (long)signal * job->evaluate_points;
  long stride = 1, table = 0;
  for (int a = 0; a < d.axes; a++) table += job->grid_count[a];
  for (int a = d.axes - 1; a >= 0; a--) {
    const int n_pieces = pieces(job->grid_count[a], job->box[a]), first = unit % n_pieces * job->box[a], left = job->grid_count[a] - first;
    unit /= n_pieces;
    table -= job->grid_count[a];
    box.entry[a] = job->axis_tables + (table + first) * entry_floats;
    box.count[a] = left < job->box[a] ? left : job->box[a];
    box.stride[a] = stride;
    box.at += first * stride;
    stride *= job->grid_count[a];
  }
  evaluate_box(job, d, n, e, outcome, box);
  if (e.valid > 0) lines_tile(job, d, n, e, outcome);
}

}  // namespace functa
