/*
 * The whole walk of the autoregressive prior over a modulation: what prior/autoregressive.ts, prior/context.ts, prior/coder.ts and
 * codec/rans.ts do symbol by symbol, in one call. Symbols go out as intervals of 2^16, or come in from the bytes of a rANS stream.
 * Whatever is out of the ordinary (a damaged stream, a symbol out of range, no room) ends the walk: the caller does it again in
 * TypeScript, which says what it is. Memory is laid out by prior/walk-wasm.ts.
 */
#include "network.h"

#define MAX_AXES 3
#define MAX_OFFSETS 64
/* Pairs of inputs that are not 0, beyond the shared ones, of a context that is remembered. */
#define MAX_KEPT 8
#define MAX_RAW 4095
#define MAX_MEAN (1 << 17)
#define MAX_NOTCH 143
#define MAX_SYMBOL (1 << 20)
#define MAX_ESCAPE_BITS 22
#define MEAN_BITS 5
#define OWN_NOTCHES 64
#define OCTAVES 8
#define LOWEST (1u << 23)

/* What a call returns: the walk has to be done again in TypeScript, is done, or goes on with the next call. */
enum { AGAIN, DONE, MORE };
/* What is made of symbols: intervals, nothing as they are found, or the tables that they would be coded with. */
enum { ENCODE, DECODE, LOOK_UP };
typedef struct {
  const uint32_t *cdf;
  int32_t last; /* the escape */
  int32_t min, shift;
} Table;

typedef struct {
  Network net;
  int32_t channels, reach, meanShift, scaleShift;
  const int16_t *meanOwn, *scaleOwn; /* [channels, reach] */
  const uint8_t *shapes;             /* [channels] */
  /* What the network said of contexts seen before, in the place of their hash. */
  v128_t *contexts;                  /* [mask + 1, vectors]: raw */
  int32_t *answers;                  /* [mask + 1, 2, channels]: means and scales */
  uint8_t *known;                    /* [mask + 1]: 0, or a tag of the context */
  int32_t mask, vectors;
  /* of the layout */
  int32_t cells[MAX_AXES];
  int32_t start;                     /* of its symbols */
  const int32_t *cover;              /* [coarser levels, axes]: addresses of [cells along the axis] */
} Level;

/* Where the intervals go, or the bytes come from. */
typedef struct {
  uint32_t *intervals; /* start + 2^16 frequency; of tables pairs of index and offset */
  int32_t room, count;
  const uint8_t *bytes;
  int32_t length, next;
  uint32_t x;
} Coder;

typedef struct {
  int32_t axes, levels, neighbours, parents, position;
  const int32_t *neighbourOffsets, *parentOffsets; /* [., axes] */
  Level *level;                                    /* [levels] */
  const Table *tables;                             /* [shapes, tablesPerShape] */
  int32_t tablesPerShape;
  const int32_t *tableStart, *dropped;             /* [MAX_NOTCH + 1] */
  int32_t *sources;                                /* room for all parents and neighbours of a cell */
  /* of the walk */
  int32_t quality;
  int32_t *symbols;
  int16_t *raw, *signed_, *size; /* the same as contexts see them */
  int32_t none;                  /* where in them there are as many zeros as a level has channels */
  int32_t levelNow, cellNow;     /* where the walk goes on */
  int32_t perCall;               /* symbols, about */
  Coder coder;
} Walk;

_Static_assert(sizeof(Network) == 4 * 58 && sizeof(Level) == 4 * 75 && sizeof(Walk) == 4 * 29, "as laid out");

static inline int clip(int v, int low, int high) { return v < low ? low : v > high ? high : v; }

/* The cell at `offset` from the one at `at`, or -1 outside of the grid. */
static inline int cellAt(const int32_t *at, const int32_t *offset, const int32_t *cells, int axes) {
  int index = 0;
  for (int a = 0; a < axes; a++) {
    const int i = at[a] + offset[a];
    if (i < 0 || i >= cells[a]) return -1;
    index = index * cells[a] + i;
  }
  return index;
}

static inline void push(Coder *o, uint32_t start, uint32_t frequency) {
  o->intervals[o->count++] = start + (frequency << 16);
}

static inline void refill(Coder *o, uint32_t x) {
  while (x < LOWEST && o->next < o->length) x = (x << 8) | o->bytes[o->next++];
  o->x = x;
}

static inline int bits(Coder *o, int decoding, int count, int value) {
  const int shift = 16 - count;
  if (!decoding) {
    push(o, (uint32_t)value << shift, 1u << shift);
    return value;
  }
  const uint32_t slot = o->x & 0xffff;
  refill(o, ((o->x >> 16) << shift) + (slot & ((1u << shift) - 1)));
  return slot >> shift;
}

/* `index`: the symbol of the table, when decoding a guess. */
static inline int symbol(Coder *o, int decoding, const uint32_t *cdf, int last, int index) {
  if (!decoding) {
    push(o, cdf[index], cdf[index + 1] - cdf[index]);
    return index;
  }
  const uint32_t slot = o->x & 0xffff;
  int low = index;
  if (slot < cdf[low] || slot >= cdf[low + 1]) {
    int high = last + 1;
    low = 0;
    while (high - low > 1) {
      const int middle = (low + high) >> 1;
      if (cdf[middle] <= slot) low = middle;
      else high = middle;
    }
  }
  refill(o, (cdf[low + 1] - cdf[low]) * (o->x >> 16) + slot - cdf[low]);
  return low;
}

/* What the escape stands for; 0 where it is out of range. */
static __attribute__((noinline)) int outside(Coder *o, int decoding, const Table *t, int offset, int value, int *found) {
  const int size = t->last;
  const int index = ((value - offset) >> t->shift) - t->min;
  const int above = bits(o, decoding, 1, index >= size);
  const int wanted = index >= size ? index - size : -1 - index;
  const int given = wanted + 1;
  const int length = given >= 1 ? 31 - __builtin_clz(given) : 0;
  int j = 0;
  while (bits(o, decoding, 1, j < length) == 1) {
    if (++j > MAX_ESCAPE_BITS) return 0;
  }
  int64_t distance = 1;
  for (int left = j; left > 0;) {
    const int count = left < 16 ? left : 16;
    left -= count;
    distance = (distance << count) + bits(o, decoding, count, (given >> left) & ((1 << count) - 1));
  }
  distance--;
  const int64_t unit = (int64_t)1 << t->shift;
  const int low = t->shift == 0 ? 0 : bits(o, decoding, t->shift, (value - offset) & (int)(unit - 1));
  const int64_t whole = offset + (t->min + (above ? size + distance : -1 - distance)) * unit + low;
  *found = (int)whole;
  return whole >= -MAX_SYMBOL && whole <= MAX_SYMBOL;
}

/* Prior/coder.ts, `code`; 0 where the symbol is out of range. */
static inline int code(Coder *o, int decoding, const Table *t, int offset, int value, int *found) {
  const int index = ((value - offset) >> t->shift) - t->min;
  const int got = symbol(o, decoding, t->cdf, t->last, index >= 0 && index < t->last ? index : t->last);
  if (got == t->last) {
    /* a copy: what has an address is not kept in registers */
    Coder own = *o;
    int beyond;
    if (!outside(&own, decoding, t, offset, value, &beyond)) return 0;
    *o = own;
    *found = beyond;
    return 1;
  }
  if (t->shift == 0) *found = offset + t->min + got;
  else
    *found = offset + ((t->min + got) << t->shift) +
             bits(o, decoding, t->shift, (value - offset) & ((1 << t->shift) - 1));
  return 1;
}

/* Four at a time: the last may write zeros or neighbours beyond, which what comes next, or nothing, reads. */
static inline void copy(int16_t *to, const int16_t *from, int count) {
  for (int c = 0; c < count; c += 4) wasm_v128_store64_lane(to + c, wasm_v128_load64_zero(from + c), 0);
}

/* Whether the context in `raw` was seen before; `place`, `tag`: of what is known of it, or will be. */
static inline int isKnown(const Level *l, uint32_t *place, int *tag) {
  const v128_t *raw = (const v128_t *)l->net.raw;
  v128_t mixed = wasm_i32x4_splat(0);
  for (int i = 0; i < l->vectors; i++)
    mixed = wasm_v128_xor(wasm_i32x4_mul(mixed, wasm_i32x4_splat((int)0x9e3779b1)), raw[i]);
  uint32_t hash = wasm_i32x4_extract_lane(mixed, 0);
  hash = hash * 0x85ebca6bu ^ (uint32_t)wasm_i32x4_extract_lane(mixed, 1);
  hash = hash * 0x85ebca6bu ^ (uint32_t)wasm_i32x4_extract_lane(mixed, 2);
  hash = hash * 0x85ebca6bu ^ (uint32_t)wasm_i32x4_extract_lane(mixed, 3);
  hash *= 0xc2b2ae35u;
  *place = (hash >> 16 ^ hash) & l->mask;
  *tag = hash >> 24 | 1;
  if (l->known[*place] != *tag) return 0;
  const v128_t *kept = l->contexts + *place * l->vectors;
  v128_t differ = wasm_i32x4_splat(0);
  for (int i = 0; i < l->vectors; i++) differ = wasm_v128_or(differ, wasm_v128_xor(kept[i], raw[i]));
  return !wasm_v128_any_true(differ);
}

/* Symbols of the covering cells, as `from` has them, into inputs. */
static inline void copyParents(const Walk *w, int k, int16_t *to, const int16_t *from) {
  const int32_t *sources = w->sources;
  for (int j = 0; j < k; j++) {
    const int channels = w->level[j].channels;
    for (int p = 0; p < w->parents; p++, to += channels) copy(to, from + *sources++, channels);
  }
}

/* What of the inputs is known while a level is walked. Where few bytes are wanted (SMALL) nothing is. */
typedef struct {
  int inside; /* whether the flags of neighbours in raw say that they are all there */
  int stale;  /* whether the parents' symbols in signed_ and size are not those in raw */
  int32_t low[MAX_AXES], high[MAX_AXES]; /* cells from low on and below high have all neighbours */
  int32_t apart[MAX_OFFSETS];            /* symbols from a cell to its neighbours */
} Around;

static inline void begin(const Walk *w, const Level *l, Around *around) {
  around->inside = 0;
  around->stale = 1;
  if (IS_SMALL) return;
  for (int a = 0; a < w->axes; a++) {
    around->low[a] = 0;
    around->high[a] = l->cells[a];
  }
  for (int p = 0; p < w->neighbours; p++) {
    int index = 0;
    for (int a = 0; a < w->axes; a++) {
      const int i = w->neighbourOffsets[p * w->axes + a];
      index = index * l->cells[a] + i;
      if (-i > around->low[a]) around->low[a] = -i;
      if (l->cells[a] - i < around->high[a]) around->high[a] = l->cells[a] - i;
    }
    around->apart[p] = index * l->channels;
  }
  for (int p = 0; p < w->parents * w->levels; p++) w->sources[p] = -1;
}

/* Means and scales of the cell `cell`, at `at`, into the sums of the network. */
static inline void foretell(Walk *w, int k, int cell, const int32_t *at, Around *around) {
  Level *l = &w->level[k];
  Network *n = &l->net;
  const int axes = w->axes, parents = w->parents, neighbours = w->neighbours;
  int16_t *raw = n->raw;
  const int far = w->quality - 50;
  raw[0] = far;
  raw[1] = far * far / 25;
  int next = 2 + neighbours;
  if (w->position) {
    for (int a = 0; a < axes; a++) {
      const int t = 64 * (2 * at[a] + 1) / l->cells[a] - 64;
      raw[next++] = t;
      raw[next++] = (t * t) >> 6;
    }
  }
  const int auxiliary = next;
  int32_t *sources = w->sources;
  int moved = 0;
  for (int j = 0; j < k; j++) {
    const Level *coarse = &w->level[j];
    int32_t covering[MAX_AXES];
    for (int a = 0; a < axes; a++) covering[a] = ((const int32_t *)l->cover[j * axes + a])[at[a]];
    for (int p = 0; p < parents; p++, next += coarse->channels) {
      const int parent = cellAt(covering, w->parentOffsets + p * axes, coarse->cells, axes);
      const int from = parent < 0 ? w->none : coarse->start + parent * coarse->channels;
      moved |= IS_SMALL || from != *sources;
      *sources++ = from;
    }
  }
  if (IS_SMALL || moved) {
    around->stale = 1;
    copyParents(w, k, raw + auxiliary, w->raw);
  }
  const int channels = l->channels, first = next;
  int inside = !IS_SMALL;
  for (int a = 0; !IS_SMALL && a < axes; a++) inside &= at[a] >= around->low[a] && at[a] < around->high[a];
  if (inside) {
    const int16_t *own = w->raw + l->start + cell * channels;
    for (int p = 0; p < neighbours; p++, next += channels) copy(raw + next, own + around->apart[p], channels);
    if (!around->inside)
      for (int p = 0; p < neighbours; p++) raw[2 + p] = 16;
  } else {
    for (int p = 0; p < neighbours; p++, next += channels) {
      const int neighbour = cellAt(at, w->neighbourOffsets + p * axes, l->cells, axes);
      const int from = neighbour < 0 ? w->none : l->start + neighbour * channels;
      sources[p] = from;
      raw[2 + p] = neighbour < 0 ? 0 : 16;
      copy(raw + next, w->raw + from, channels);
    }
  }
  around->inside = inside;
  for (; next & 7; next++) raw[next] = 0;

  int32_t *means = (int32_t *)n->mean.sums, *scales = (int32_t *)n->scale.sums;
  uint32_t place;
  int tag;
  const int known = isKnown(l, &place, &tag);
  int32_t *answer = l->answers + 2 * channels * place;
  if (known) {
    for (int c = 0; c < channels; c++) {
      means[c] = answer[c];
      scales[c] = answer[channels + c];
    }
    return;
  }
  for (next = 0; next < auxiliary; next++) n->signed_[next] = n->size[next] = raw[next];
  if (IS_SMALL || around->stale) {
    around->stale = IS_SMALL;
    copyParents(w, k, n->signed_ + auxiliary, w->signed_);
    copyParents(w, k, n->size + auxiliary, w->size);
  }
  const int own = l->start + cell * channels;
  next = first;
  for (int p = 0; p < neighbours; p++, next += channels) {
    const int from = inside ? own + around->apart[p] : sources[p];
    copy(n->signed_ + next, w->signed_ + from, channels);
    copy(n->size + next, w->size + from, channels);
  }
  /* Where a cell is changes from cell to cell, parents and flags now and then. */
  const int busy = infer(n, IS_SMALL || w->position ? 0 : first / 2);
  /* Hardly any comes again. */
  if (!IS_SMALL && busy > MAX_KEPT) return;
  l->known[place] = tag;
  for (int i = 0; i < l->vectors; i++) l->contexts[place * l->vectors + i] = ((const v128_t *)raw)[i];
  for (int c = 0; c < channels; c++) {
    answer[c] = means[c];
    answer[channels + c] = scales[c];
  }
}

/* The symbols of a cell; 0 when the walk has to be done again. */
static inline int codeCell(const Walk *w, Coder *o, int task, const Level *l, int cell) {
  const int channels = l->channels, reach = l->reach, decoding = task == DECODE;
  int32_t *means = (int32_t *)l->net.mean.sums, *scales = (int32_t *)l->net.scale.sums;
  for (int c = 0, at = l->start + cell * channels; c < channels; c++, at++) {
    /* an escape takes 28 at most: itself, the side, 25 for the distance, the low bits */
    if (task == ENCODE && o->count + 32 > o->room) return 0;
    const int mean = clip(means[c] >> l->meanShift, -MAX_MEAN, MAX_MEAN);
    const int notch = clip(scales[c] >> l->scaleShift, 0, MAX_NOTCH);
    const int dropped = w->dropped[notch];
    const int rounded = mean + ((1 << dropped) >> 1);
    const int fraction = (rounded >> dropped) & ((1 << (MEAN_BITS - dropped)) - 1);
    const Table *t = &w->tables[l->shapes[c] * w->tablesPerShape + w->tableStart[notch] + fraction];
    int offset = rounded >> MEAN_BITS;
    if (notch >= OWN_NOTCHES) offset -= 1 << ((notch >> 3) - OCTAVES);
    int found = w->symbols[at];
    if (task == LOOK_UP) {
      o->intervals[o->count++] = (uint32_t)(t - w->tables);
      o->intervals[o->count++] = (uint32_t)offset;
    } else if (!code(o, decoding, t, offset, found, &found)) return 0;
    if (decoding) w->symbols[at] = found;
    if (found == 0) {
      w->raw[at] = w->signed_[at] = w->size[at] = 0;
      continue;
    }
    const int v = clip(found, -MAX_RAW, MAX_RAW);
    const int y = compand(v < 0 ? -v : v);
    w->raw[at] = v;
    w->size[at] = y;
    w->signed_[at] = v < 0 ? -y : y;
    const int16_t *meanOwn = l->meanOwn + c * reach, *scaleOwn = l->scaleOwn + c * reach;
    for (int j = 0, to = c + 1; j < reach && to < channels; j++, to++) {
      means[to] += v * meanOwn[j];
      scales[to] += y * scaleOwn[j];
    }
  }
  return 1;
}

static inline int walk(Walk *w, int task) {
  Coder o = w->coder;
  int left = w->perCall;
  for (int k = w->levelNow; k < w->levels; k++) {
    const Level *l = &w->level[k];
    int32_t at[MAX_AXES] = {0, 0, 0};
    int cells = 1;
    Around around;
    begin(w, l, &around);
    for (int a = w->axes - 1, rest = w->cellNow; a >= 0; a--) {
      cells *= l->cells[a];
      at[a] = rest % l->cells[a];
      rest /= l->cells[a];
    }
    for (int cell = w->cellNow; cell < cells; cell++) {
      if (left <= 0) {
        w->coder = o;
        w->levelNow = k;
        w->cellNow = cell;
        return MORE;
      }
      left -= l->channels;
      foretell(w, k, cell, at, &around);
      if (!codeCell(w, &o, task, l, cell)) return AGAIN;
      for (int a = w->axes - 1; a >= 0; a--) {
        if (++at[a] < l->cells[a]) break;
        at[a] = 0;
      }
    }
    w->cellNow = 0;
  }
  w->coder = o;
  return DONE;
}

/* `symbols` from `bytes`, beginning at the state `x` and the byte `next`. */
__attribute__((export_name("decode"))) int decode(Walk *w) { return walk(w, DECODE); }

/* Pages read. */
#ifndef SMALL
/* `symbols` into `intervals`, `count` of them. */
__attribute__((export_name("encode"))) int encode(Walk *w) { return walk(w, ENCODE); }

/* The tables of `symbols` into `intervals`, for which there is room. */
__attribute__((export_name("look_up"))) int lookUp(Walk *w) { return walk(w, LOOK_UP); }
#endif
