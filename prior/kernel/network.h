/*
 * The network of one level on one cell: what prior/cell-network.ts computes, to the bit. Inputs and weights have 16 bits, sums 32;
 * no sum can leave them (prior/autoregressive-tensors.ts proves it), so their order is free.
 *
 * A matrix [rows, columns] is stored by pairs of rows and quads of columns: [pairs, quads, 4, 2], so that one instruction multiplies
 * and adds two rows of a quad.
 */
#ifndef FUNCTA_NETWORK_H
#define FUNCTA_NETWORK_H

#include <stdint.h>
#include <wasm_simd128.h>

/* Whether few bytes of code are wanted. */
#ifdef SMALL
#define IS_SMALL 1
#else
#define IS_SMALL 0
#endif
#define MAX_LAYERS 4
#define MAX_HIDDEN 4095
#define MAX_COMPANDED 127

typedef struct {
  const int16_t *weights;
  const v128_t *bias;
  v128_t *sums; /* [quads], and of what comes from the inputs [quads] with the shared pairs alone */
  int32_t pairs, quads, shift;
} Product;

typedef struct {
  int32_t inputs, auxiliary, layers;
  int32_t *values;               /* [inputs]; in a walk the pairs that the sums of shared inputs were made of */
  int16_t *raw, *signed_, *size; /* [inputs], and 0 up to an even count */
  int32_t *active;               /* room for the pairs of any product */
  int16_t *units[2];             /* of a hidden layer and the next */
  Product hidden[MAX_LAYERS];
  Product mean, scale;           /* from the inputs; their sums are the results */
  Product output[2];             /* from the last hidden layer to means and scales */
} Network;

/* compand of prior/context.ts, of a size. */
static inline int compand(int size) {
  const int a = size + 1;
  const int e = 31 - __builtin_clz(a);
  const int found = 16 * e + (((a - (1 << e)) * 16) >> e);
  return found < MAX_COMPANDED ? found : MAX_COMPANDED;
}

/* From raw, signed_ and size to the sums of mean and scale. The first `shared` pairs of inputs are often those of the call before.
   Returns how many pairs of the others are not 0. */
int infer(const Network *n, int shared);

#endif
