// The kernel of pages: values of one modulation at the points of a grid or of a list, in few bytes of code. The arithmetic of a point is that
// of kernel/evaluate-tile.h, operation by operation, so values are those of the other kernels to the bit.
//
// A box of points maps the cells that it reads by M, then goes line by line along the last axis: a line's rows of shifts are interpolated along
// the other axes once (its slot), and its points along the last axis alone. A point of a list is a box of one point. Rows are padded to whole
// blocks of columns with zeros, and the rows of a product to whole tiles with anything.
//
// What it is asked stands in numbers that engine/reader/open.ts writes, and that checks of engine/check.ts have seen: nothing is checked here,
// as the module reaches no memory but its own.
#include "../kernel/geometry.h"

// Before a loop whose trips are constant: without it these cost three times the time, and with -O3 all others are unrolled too.
#define UNROLLED _Pragma("clang loop unroll(full)")

namespace functa {
namespace {

constexpr int TILE_ROWS = 4, TILE_VECTORS = 2;                // a product's tile: as many sums as there are registers for
constexpr int BLOCK = 4 * VL;                                 // columns: of a gathered row, and what widths are padded to
constexpr int BOX_LINE = 64, BOX_LINES = 32;                  // points of a box along the last axis, and along the one before
constexpr long BOX_FLOATS = 1 << 17;                          // mapped cells of a box

// Numbers of a request: the field's description, as engine/request.ts writes it, then these.
constexpr int LISTED = 16 + 9 * MAX_LEVELS + 1, POINTS = LISTED + 1, START = POINTS + 1, STEP = START + MAX_AXES, COUNT = STEP + MAX_AXES;

Spec spec;
int width, row, features, entry_floats, taps, last;           // row: of shifts, all layers and the outputs; taps: of all levels, along a line
bool listed;
int points, count[MAX_AXES], box[MAX_AXES];
double start[MAX_AXES], step[MAX_AXES];

// Pieces of the block that the host brings, laid out by `lay_out`.
float *base, *weight[MAX_LAYERS], *out_weight, *map;          // [row]; [rows, width]; [outputs, width]; [channels, row]
float *entries, *channels, *cells;                            // of a box: axis after axis; before and after M
float *slot, *columns, *along;                                // [slots, slot_floats]; [line, width]; [line, taps]
int32_t* offset;                                              // [line, taps]: from the slot of a line to a row of shifts
float* z;                                                     // [TILE, row]: the points of a tile, all layers
int slots, slot_floats, line_points;

// The points of the tile so far.
int valid, held, at[TILE], point_slot[TILE], point_column[TILE];
int line;

// Cells of a level that a box reads, and where they stand in `cells` and in a slot.
struct Window {
  int first[MAX_AXES], count[MAX_AXES], at_slot;
  float* cells;
} window[MAX_LEVELS];

// The next index, last axis fastest; false after the last.
__attribute__((noinline)) bool next(int* index, const int* count, int axes) {
  for (int a = axes - 1; a >= 0; a--) {
    if (++index[a] < count[a]) return true;
    index[a] = 0;
  }
  return false;
}

// to[0..n) += x * from[0..n)
__attribute__((noinline)) void add_row(float* to, float x, const float* from, int n) {
  for (int j = 0; j < n; j += VL) store(to + j, fma(splat(x), load(from + j), load(to + j)));
}

// c[m, n] += a[m, k] b[k, n]: m in tiles of 4 rows, n in pairs of vectors.
__attribute__((noinline)) void multiply(int m, int n, int k, const float* a, int lda, const float* b, int ldb, float* c, int ldc) {
  for (int i = 0; i < m; i += TILE_ROWS)
    for (int j = 0; j < n; j += TILE_VECTORS * VL) {
      float* const to = c + i * ldc + j;
      const float* from = b + j;
      vf sum[TILE_ROWS][TILE_VECTORS];
      UNROLLED
      for (int r = 0; r < TILE_ROWS; r++)
        UNROLLED
        for (int v = 0; v < TILE_VECTORS; v++) sum[r][v] = load(to + r * ldc + v * VL);
      const float* rows = a + i * lda;
      for (int p = 0; p < k; p++, from += ldb, rows++)
        UNROLLED
        for (int v = 0; v < TILE_VECTORS; v++) {
          const vf x = load(from + v * VL);
          UNROLLED
          for (int r = 0; r < TILE_ROWS; r++) sum[r][v] = fma(splat(rows[r * lda]), x, sum[r][v]);
        }
      UNROLLED
      for (int r = 0; r < TILE_ROWS; r++)
        UNROLLED
        for (int v = 0; v < TILE_VECTORS; v++) store(to + r * ldc + v * VL, sum[r][v]);
    }
}

// z += the first layer's product with the features of one coordinate of one axis.
void add_features(int axis, const float* entry, float* to) {
  const int plain = spec.use_global + spec.use_local;
  for (int f = 0; f < axis_features(spec); f++) {
    const int at = f < plain ? f * spec.axes + axis : plain * spec.axes + ((f - plain) / 2 * spec.axes + axis) * 2 + (f - plain) % 2;
    add_row(to, entry[f], weight[0] + at * width, width);
  }
}

// Most cells of level k that `n` neighbours along an axis read; see kernel/evaluate-grid.h.
int cells_read(const Level& level, int axis, int n) {
  if (level.global) return 0;
  const double pace = __builtin_fabs(step[axis]), furthest = __builtin_fabs(start[axis]) + pace * count[axis];
  const double reach = ((n - 1) * pace + furthest * 1e-15) / level.cell[axis] + level.taps + 1.001;
  const double most = is_circle(spec, axis) ? MOST_CELLS : level.cells[axis];
  return n == 1 ? level.taps : reach < most ? (int)reach : (int)most;
}

int64_t cells_of_box(const Level& level) {
  int64_t n = 1;
  for (int a = 0; a < spec.axes; a++) n *= cells_read(level, a, box[a]);
  return n;
}

int64_t cells_of_box() {
  int64_t n = 0;
  for (int k = 0; k < spec.level_count; k++) n += cells_of_box(spec.level[k]);
  return n;
}

// Cuts the grid: halves the longest side until a box fits.
void cut_box() {
  for (int a = 0; a < MAX_AXES; a++) {
    const int most = a == last ? BOX_LINE : a == last - 1 ? BOX_LINES : 1;
    box[a] = count[a] < most ? count[a] : most;
  }
  for (;;) {
    int longest = 0;
    for (int a = 1; a < spec.axes; a++)
      if (box[a] > box[longest]) longest = a;
    if (box[longest] == 1 || cells_of_box() * row <= BOX_FLOATS) return;
    box[longest] = (box[longest] + 1) / 2;
  }
}

int64_t lay_out(float* block) {
  Arena arena{block};
  int all_channels = 0;
  int64_t most = 0;
  taps = 0;
  slot_floats = row;
  for (int k = 0; k < spec.level_count; k++) {
    const Level& level = spec.level[k];
    all_channels += level.channels;
    if (level.global) continue;
    taps += level.taps;
    slot_floats += cells_read(level, last, box[last]) * row;
    const int64_t floats = (cells_of_box(level) + TILE_ROWS) * level.channels;
    most = floats > most ? floats : most;
  }
  base = arena.take(row);
  for (int l = 0; l < spec.layers; l++) weight[l] = arena.take((int64_t)(l ? width : features) * width);
  out_weight = arena.take((int64_t)spec.outputs * width);
  map = arena.take((int64_t)all_channels * row);
  // What stands before here is cleared by `prepare`, to the next piece.
  entries = arena.take((int64_t)(box[0] + box[1] + box[2]) * entry_floats);
  channels = arena.take(most);
  cells = arena.take((cells_of_box() + TILE_ROWS) * row);
  line_points = listed ? TILE : box[last];
  slots = (TILE - 1) / box[last] + 2;  // whole lines of a tile, and parts of those before and after
  slot = arena.take((int64_t)slots * slot_floats);
  columns = arena.take((int64_t)line_points * width);
  along = arena.take((int64_t)line_points * taps);
  offset = (int32_t*)arena.take((int64_t)line_points * taps);
  z = arena.take((int64_t)TILE * row);
  return arena.used;
}

// Copies rows of weights to where they are padded, scaled.
__attribute__((noinline)) const float* spread(const float* from, int rows, int n, float scale, float* to) {
  for (int i = 0; i < rows; i++, to += width)
    for (int j = 0; j < n; j++) to[j] = *from++ * scale;
  return from;
}

// The weights as the passes read them: what leads to a sine is scaled by w0 * 2 / pi, so that it comes in quarter turns.
void prepare(const float* p, const float* phi) {
  const int W = spec.width, O = spec.outputs;
  const float forward = (float)spec.w0 * QUARTER;
  float* const direct = base + spec.layers * width;
  __builtin_memset(base, 0, (char*)entries - (char*)base);
  for (int l = 0; l < spec.layers; l++) {
    p = spread(p, l ? W : features, W, forward, weight[l]);
    p = spread(p, 1, W, forward, base + l * width);
  }
  for (int j = 0; j < W; j++)
    for (int o = 0; o < O; o++) out_weight[o * width + j] = *p++;
  p = spread(p, 1, O, 1, direct);
  float* to = map;
  for (int k = 0; k < spec.level_count; k++) {
    const Level& level = spec.level[k];
    int n = 1;
    for (int a = 0; a < spec.axes; a++) n *= level.cells[a];
    for (int c = 0; c < level.channels; c++, to += row) {
      p = spread(p, spec.layers, W, forward, to);
      p = spread(p, 1, O, 1, to + spec.layers * width);
      if (level.global) add_row(base, phi[c], to, row);
    }
    phi += (long)n * level.channels;
  }
}

// The network at the points of the tile; their values go to where they are wanted.
void tile(float* values) {
  for (int t = 0; t < valid; t++) {
    const float* const shared = slot + point_slot[t] * slot_floats;
    const int at_column = point_column[t];
    for (int j = 0; j < row; j += BLOCK) {
      vf sum[4];
      UNROLLED
      for (int v = 0; v < 4; v++) {
        sum[v] = load(shared + j + v * VL);
        if (j < width) sum[v] += load(columns + at_column * width + j + v * VL);
      }
      for (int i = at_column * taps; i < (at_column + 1) * taps; i++)
        UNROLLED
        for (int v = 0; v < 4; v++) sum[v] = fma(splat(along[i]), load(shared + offset[i] + j + v * VL), sum[v]);
      UNROLLED
      for (int v = 0; v < 4; v++) store(z + t * row + j + v * VL, sum[v]);
    }
  }
  for (int l = 0; l < spec.layers; l++) {
    float* const layer = z + l * width;
    if (l) multiply(valid, width, width, layer - width, row, weight[l], width, layer, row);
    for (int t = 0; t < valid; t++)
      for (int j = 0; j < width; j += VL) store(layer + t * row + j, sine_quarters(load(layer + t * row + j)));
  }
  for (int t = 0; t < valid; t++)
    for (int o = 0; o < spec.outputs; o++) {
      const float* const direct = z + t * row + spec.layers * width;
      vf sum = vf{};
      for (int j = 0; j < width; j += VL) sum = fma(load(direct - width + j), load(out_weight + o * width + j), sum);
      values[(long)at[t] * spec.outputs + o] = direct[o] + ((sum[0] + sum[1]) + (sum[2] + sum[3]));
    }
  valid = held = 0;
}

// The cells of level k that the box reads, mapped by M.
void map_window(const Level& level, Window& w, const float* phi, const float* m, int cell_count) {
  float* to = channels;
  int index[MAX_AXES] = {0, 0, 0};
  do {
    long cell = 0;
    for (int a = 0; a <= last; a++) cell = cell * level.cells[a] + cell_at(spec, level, a, w.first[a] + index[a]);
    for (int c = 0; c < level.channels; c++) *to++ = phi[cell * level.channels + c];
  } while (next(index, w.count, spec.axes));
  __builtin_memset(w.cells, 0, (long)cell_count * row * sizeof(float));
  multiply(cell_count, row, level.channels, channels, level.channels, m, row, w.cells, row);
}

// The points of a box: `n` along each axis, of a grid from `from` on, after `skip` of it; `first`: where they stand in the caller's array.
void evaluate_box(const double* from, const int* skip, const int* n, int first, const float* phi, float* values) {
  const float* entry[MAX_AXES];
  float* to = entries;
  for (int a = 0; a <= last; a++) {
    entry[a] = to;
    for (int i = 0; i < n[a]; i++, to += entry_floats) axis_entry(spec, a, from[a] + (skip[a] + i) * step[a], to);
  }
  float* mapped = cells;
  const float* m = map;
  int at_slot = row;
  for (int k = 0; k < spec.level_count; k++) {
    const Level& level = spec.level[k];
    Window& w = window[k];
    int all = 1, cell_count = 1;
    for (int a = 0; a <= last; a++) {
      const int32_t* low = taps_of(spec, entry[a], k).cell;
      const int32_t* high = taps_of(spec, entry[a] + (n[a] - 1) * entry_floats, k).cell;
      w.first[a] = low[0] < high[0] ? low[0] : high[0];
      w.count[a] = (low[level.taps - 1] > high[level.taps - 1] ? low[level.taps - 1] : high[level.taps - 1]) + 1 - w.first[a];
      cell_count *= w.count[a];
      all *= level.cells[a];
    }
    w.cells = mapped;
    w.at_slot = at_slot;
    if (!level.global) {
      map_window(level, w, phi, m, cell_count);
      mapped += (long)cell_count * row;
      at_slot += w.count[last] * row;
    }
    phi += (long)all * level.channels;
    m += (long)level.channels * row;
  }
  const int column = listed ? valid : 0;
  for (int i = 0, r = column * taps; i < n[last]; i++) {
    const float* const own = entry[last] + i * entry_floats;
    float* const share = columns + (column + i) * width;
    __builtin_memset(share, 0, width * sizeof(float));
    add_features(last, own, share);
    for (int k = 0; k < spec.level_count; k++)
      for (int tap = 0; !spec.level[k].global && tap < spec.level[k].taps; tap++, r++) {
        const Taps t = taps_of(spec, own, k);
        offset[r] = window[k].at_slot + (t.cell[tap] - window[k].first[last]) * row;
        along[r] = t.weight[tap];
      }
  }
  int index[MAX_AXES] = {0, 0, 0};
  do {
    if (held == slots) tile(values);
    const int own = line++ % slots;
    float* const shared = slot + own * slot_floats;
    __builtin_memset(shared, 0, slot_floats * sizeof(float));
    int point = 0;
    for (int a = 0; a <= last; a++) point = point * count[a] + (a < last ? index[a] : 0);
    for (int a = 0; a < last; a++) add_features(a, entry[a] + index[a] * entry_floats, shared);
    for (int j = 0; j < row; j += VL) store(shared + j, j < width ? load(base + j) + load(shared + j) : load(base + j));
    for (int k = 0; k < spec.level_count; k++) {
      const Level& level = spec.level[k];
      const Window& w = window[k];
      if (level.global) continue;
      int corners = 1;
      for (int a = 0; a < last; a++) corners *= level.taps;
      for (int corner = 0; corner < corners; corner++) {
        int cell = 0;
        float product = 1;
        for (int a = 0; a < last; a++) {
          const Taps t = taps_of(spec, entry[a] + index[a] * entry_floats, k);
          const int tap = tap_at(corner, level.taps, last, a);
          cell = cell * w.count[a] + t.cell[tap] - w.first[a];
          product *= t.weight[tap];
        }
        const int run = w.count[last] * row;
        add_row(shared + w.at_slot, product, w.cells + (long)cell * run, run);
      }
    }
    held++;
    for (int i = 0; i < n[last]; i++) {
      at[valid] = first + point + i;
      point_slot[valid] = own;
      point_column[valid++] = column + i;
      if (valid == TILE) {
        tile(values);
        held = i + 1 < n[last];
      }
    }
  } while (next(index, n, last));
}

}  // namespace

#define EXPORT(name) __attribute__((export_name(#name)))

extern "C" {

// Reads a request. Floats of the block that `run` takes.
EXPORT(plan) double plan(const double* p) {
  spec.axes = p[0];
  spec.outputs = p[1];
  spec.width = p[2];
  spec.layers = p[3];
  spec.w0 = p[4];
  spec.use_global = p[5];
  spec.use_local = p[6];
  spec.harmonics = p[7];
  spec.level_count = p[8];
  spec.wraps = p[16 + 9 * spec.level_count];
  last = spec.axes - 1;
  width = round_up(spec.width, BLOCK);
  row = spec.layers * width + round_up(spec.outputs, BLOCK);
  features = spec.axes * axis_features(spec);
  entry_floats = axis_entry_floats(spec);
  listed = p[LISTED] != 0;
  points = p[POINTS];
  for (int a = 0; a < MAX_AXES; a++) {
    spec.shape[a] = p[9 + a];
    spec.period[a] = p[12 + a];
    start[a] = p[START + a];
    step[a] = p[STEP + a];
    count[a] = p[COUNT + a];
    for (int k = 0; k < spec.level_count; k++) {
      const double* q = p + 16 + 9 * k;
      Level& level = spec.level[k];
      level.channels = q[0];
      level.taps = q[1];
      level.global = q[2];
      level.cell[a] = q[3 + a];
      level.cells[a] = q[6 + a];
    }
  }
  cut_box();
  return lay_out(nullptr);
}

// Values [points, outputs] of the request that was planned; `list`: its coordinates where it has one.
EXPORT(run) void run(const float* weights, const float* phi, const float* list, float* values, float* block) {
  lay_out(block);
  prepare(weights, phi);
  valid = held = line = 0;
  int index[MAX_AXES] = {0, 0, 0}, boxes[MAX_AXES];
  if (listed) {
    for (int i = 0; i < points; i++) {
      double from[MAX_AXES];
      for (int a = 0; a <= last; a++) from[a] = *list++;
      evaluate_box(from, index, box, i, phi, values);
    }
    tile(values);
    return;
  }
  for (int a = 0; a < MAX_AXES; a++) boxes[a] = (count[a] + box[a] - 1) / box[a];
  do {
    int skip[MAX_AXES], n[MAX_AXES], first = 0;
    for (int a = 0; a <= last; a++) {
      skip[a] = index[a] * box[a];
      n[a] = count[a] - skip[a] < box[a] ? count[a] - skip[a] : box[a];
      first = first * count[a] + skip[a];
    }
    evaluate_box(start, skip, n, first, phi, values);
    tile(values);
  } while (next(index, boxes, spec.axes));
}
}
}  // namespace functa
