/* The compact encoder in int8 on processors with AVX-512 VNNI: one call runs packed batches through all layers.

   Sequences lie one after the other, none is padded. Activations are unsigned 8-bit integers: `value = (integer - zero) * scale`, weights
   are signed 8-bit integers with one scale a row, sums are exact 32-bit integers. Nothing that is computed for a token depends on what else
   is in the batch, so the same text gives the same bits in any batch. Called by `cxsentiment.encoder.kernels`, which checks sizes, ids and lengths. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const int8_t *weight;  /* as cx_pack leaves them */
    const float *scale;    /* [rows] */
    const float *bias;     /* [rows] */
} Matrix;

typedef struct {
    Matrix qkv, out, up, down;
    const float *qkv_factor, *qkv_shift; /* [hidden]: how the layer's input becomes integers */
    const float *up_factor, *up_shift;   /* [hidden]: how the middle becomes integers */
    const float *middle_weight, *middle_bias, *final_weight, *final_bias; /* [hidden]: the layer norms */
} Layer;

/* What is said of each token: `labels` logits through a layer of `units` with GELU. */
typedef struct {
    int32_t units, labels;
    Matrix inner, outer;
    const float *factor, *shift; /* [hidden]: how the states become integers */
} Head;

typedef struct {
    int32_t hidden, heads, intermediate, layers;
    const float *words, *positions, *norm_weight, *norm_bias;
    const Layer *layer;
    Head tokens;
} Network;

/* Of the structures and functions here; `kernels.py` takes no other. */
int cx_version(void) { return 2; }

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))

int cx_supported(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni");
}

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,fma")
#endif

#include <immintrin.h>

enum { LANES = 16, PANEL = 32, ROWS = 12, TILE = 48, HEAD = 32, QUERIES = 8 };
#define GELU_LEAST 0.17f /* no value of GELU lies below -0.17 */
#define EPSILON 1e-12f
#define INLINE static inline __attribute__((always_inline))

INLINE int64_t least(int64_t one, int64_t other) { return one < other ? one : other; }
INLINE int64_t most(int64_t one, int64_t other) { return one > other ? one : other; }

/* ---- products of integer matrices --------------------------------------------------------------------------------------------- */

/* Weights [rows, columns] -> panels of 32 rows in which four columns of each row lie together, as VPDPBUSD takes them. */
void cx_pack(const int8_t *weight, int64_t rows, int64_t columns, int8_t *packed) {
    for (int64_t panel = 0; panel < rows; panel += PANEL)
        for (int64_t column = 0; column < columns; column += 4)
            for (int64_t row = panel; row < panel + PANEL; row++, packed += 4) memcpy(packed, weight + row * columns + column, 4);
}

typedef enum { PLAIN, GELU, SCALED, RESIDUAL } Ending;

/* GELU with the error function as x times a polynomial of x^2, fitted by least squares to an error below 2e-5 (and 8e-5 at 8). */
INLINE __m512 gelu(__m512 x) {
    const __m512 clipped = _mm512_max_ps(_mm512_min_ps(x, _mm512_set1_ps(4.2f)), _mm512_set1_ps(-4.2f));
    const __m512 t = _mm512_fmsub_ps(_mm512_mul_ps(clipped, clipped), _mm512_set1_ps(2.0f / (4.2f * 4.2f)), _mm512_set1_ps(1.0f));
    static const float coefficients[] = {0.167855733f,   -0.0814960602f, 0.0558422906f,   -0.0387930403f, 0.0247702148f,
                                         -0.0141188066f, 0.00866830226f, -0.00548676745f, 0.00180335485f};
    __m512 sum = _mm512_set1_ps(coefficients[8]);
#pragma GCC unroll 8
    for (int power = 7; power >= 0; power--) sum = _mm512_fmadd_ps(sum, t, _mm512_set1_ps(coefficients[power]));
    return _mm512_mul_ps(x, _mm512_fmadd_ps(clipped, sum, _mm512_set1_ps(0.5f)));
}

/* Sixteen sums of one row to the output: sum * scale + bias, then GELU; or sum * scale * row_scale + bias, which may be added to what is there. */
INLINE void finish(const Ending ending, __m512i sums, const float *scale, const float *bias, float row_scale, float *place) {
    const __m512 sum = _mm512_mul_ps(_mm512_cvtepi32_ps(sums), _mm512_loadu_ps(scale)), shift = _mm512_loadu_ps(bias);
    const __m512 value = ending >= SCALED ? _mm512_fmadd_ps(sum, _mm512_set1_ps(row_scale), shift) : _mm512_add_ps(sum, shift);
    _mm512_storeu_ps(place, ending == GELU ? gelu(value) : ending == RESIDUAL ? _mm512_add_ps(_mm512_loadu_ps(place), value) : value);
}

/* The sums of a block are 24 variables with names, and go to memory once, at the end: so compilers keep them in registers. */
#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
#define CLEAR(row) __m512i left##row = _mm512_setzero_si512(), right##row = _mm512_setzero_si512();
#define ADD(row)                                                           \
    if (row < count) {                                                     \
        const __m512i values = four_bytes(input + row * columns + column); \
        left##row = _mm512_dpbusd_epi32(left##row, values, first);         \
        right##row = _mm512_dpbusd_epi32(right##row, values, second);      \
    }
#define KEEP(row)                                              \
    if (row < count) {                                         \
        _mm512_storeu_si512(sums + row * PANEL, left##row);         \
        _mm512_storeu_si512(sums + row * PANEL + LANES, right##row); \
    }

INLINE __m512i four_bytes(const uint8_t *place) {
    int32_t four;
    memcpy(&four, place, 4);
    return _mm512_set1_epi32(four);
}

/* `count` rows of input by one panel -> sums [count, PANEL]. */
INLINE void products(const int count, const uint8_t *input, int64_t columns, const int8_t *panel, int32_t *sums) {
    EACH_ROW(CLEAR)
    for (int64_t column = 0; column < columns; column += 4, panel += 4 * PANEL) {
        const __m512i first = _mm512_loadu_si512(panel), second = _mm512_loadu_si512(panel + 64);
        EACH_ROW(ADD)
    }
    EACH_ROW(KEEP)
}

#define FUNCTION(count)                                                                                                              \
    static __attribute__((noinline)) void products_##count(const uint8_t *input, int64_t columns, const int8_t *panel, int32_t *sums) { \
        products(count, input, columns, panel, sums);                                                                                \
    }
FUNCTION(1) FUNCTION(2) FUNCTION(3) FUNCTION(4) FUNCTION(5) FUNCTION(6)
FUNCTION(7) FUNCTION(8) FUNCTION(9) FUNCTION(10) FUNCTION(11) FUNCTION(12)

typedef void (*Products)(const uint8_t *, int64_t, const int8_t *, int32_t *);
static const Products PRODUCTS[ROWS + 1] = {0,          products_1, products_2, products_3,  products_4,  products_5, products_6,
                                            products_7, products_8, products_9, products_10, products_11, products_12};

/* input [count, columns] by a matrix of `rows` rows -> output [count, rows], of which each row is `stride` after the one before. */
INLINE void multiply(const Ending ending, const uint8_t *input, int64_t count, int64_t columns, const Matrix *matrix, int64_t rows,
                     const float *row_scale, float *output, int64_t stride) {
    int32_t sums[ROWS * PANEL] __attribute__((aligned(64)));
    for (int64_t panel = 0; panel < rows; panel += PANEL)
        for (int64_t first = 0; first < count; first += ROWS) {
            const int64_t some = least(ROWS, count - first);
            PRODUCTS[some](input + first * columns, columns, matrix->weight + panel * columns, sums);
            for (int64_t row = 0; row < some; row++)
                for (int64_t half = 0; half < PANEL; half += LANES)
                    finish(ending, _mm512_load_si512(sums + row * PANEL + half), matrix->scale + panel + half, matrix->bias + panel + half,
                           row_scale[first + row], output + (first + row) * stride + panel + half);
        }
}

/* ---- single tokens -------------------------------------------------------------------------------------------------------------- */

INLINE void store_bytes(uint8_t *place, __m512 values) {
    const __m512i rounded = _mm512_cvtps_epi32(_mm512_max_ps(values, _mm512_setzero_ps()));
    _mm_storeu_si128((__m128i *)place, _mm512_cvtusepi32_epi8(rounded));
}

static void normalise(float *states, int64_t hidden, const float *weight, const float *bias) {
    __m512 sum = _mm512_setzero_ps(), squares = _mm512_setzero_ps();
    for (int64_t unit = 0; unit < hidden; unit += LANES) sum = _mm512_add_ps(sum, _mm512_loadu_ps(states + unit));
    const __m512 mean = _mm512_set1_ps(_mm512_reduce_add_ps(sum) / (float)hidden);
    for (int64_t unit = 0; unit < hidden; unit += LANES) {
        const __m512 distance = _mm512_sub_ps(_mm512_loadu_ps(states + unit), mean);
        squares = _mm512_fmadd_ps(distance, distance, squares);
    }
    const float variance = _mm512_reduce_add_ps(squares) / (float)hidden;
    const __m512 factor = _mm512_div_ps(_mm512_set1_ps(1.0f), _mm512_sqrt_ps(_mm512_set1_ps(variance + EPSILON)));
    for (int64_t unit = 0; unit < hidden; unit += LANES) {
        const __m512 distance = _mm512_mul_ps(_mm512_sub_ps(_mm512_loadu_ps(states + unit), mean), factor);
        _mm512_storeu_ps(states + unit, _mm512_fmadd_ps(distance, _mm512_loadu_ps(weight + unit), _mm512_loadu_ps(bias + unit)));
    }
}

static void quantise(const float *states, int64_t hidden, const float *factor, const float *shift, uint8_t *integers) {
    for (int64_t unit = 0; unit < hidden; unit += LANES)
        store_bytes(integers + unit,
                    _mm512_fmadd_ps(_mm512_loadu_ps(states + unit), _mm512_loadu_ps(factor + unit), _mm512_loadu_ps(shift + unit)));
}

/* GELU's values of one token over the range that they have in it; gives back the width of a step. */
static float quantise_widened(const float *widened, int64_t units, uint8_t *integers) {
    __m512 most = _mm512_setzero_ps();
    for (int64_t unit = 0; unit < units; unit += LANES) most = _mm512_max_ps(most, _mm512_loadu_ps(widened + unit));
    const float step = (_mm512_reduce_max_ps(most) + GELU_LEAST) / 255.0f;
    const __m512 factor = _mm512_set1_ps(1.0f / step), shift = _mm512_set1_ps(GELU_LEAST / step);
    for (int64_t unit = 0; unit < units; unit += LANES)
        store_bytes(integers + unit, _mm512_fmadd_ps(_mm512_loadu_ps(widened + unit), factor, shift));
    return step;
}

/* ---- attention ------------------------------------------------------------------------------------------------------------------ */

/* e^x for x <= 0: 2^n times a polynomial of degree 5 (Cephes), relative error 2e-7. */
INLINE __m512 exponential(__m512 x) {
    x = _mm512_max_ps(x, _mm512_set1_ps(-87.0f));
    const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m512 rest = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x);
    rest = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), rest);
    __m512 sum = _mm512_set1_ps(1.9875691500e-4f);
    sum = _mm512_fmadd_ps(sum, rest, _mm512_set1_ps(1.3981999507e-3f));
    sum = _mm512_fmadd_ps(sum, rest, _mm512_set1_ps(8.3334519073e-3f));
    sum = _mm512_fmadd_ps(sum, rest, _mm512_set1_ps(4.1665795894e-2f));
    sum = _mm512_fmadd_ps(sum, rest, _mm512_set1_ps(1.6666665459e-1f));
    sum = _mm512_fmadd_ps(sum, rest, _mm512_set1_ps(5.0000001201e-1f));
    sum = _mm512_fmadd_ps(_mm512_mul_ps(sum, rest), rest, _mm512_add_ps(rest, _mm512_set1_ps(1.0f)));
    return _mm512_scalef_ps(sum, n);
}

/* `count` queries of one head of one sequence. keys: [HEAD, width] transposed, width a multiple of 16. weights: room for [QUERIES, width]. */
INLINE void attend(const int count, const float *queries, const float *keys, const float *values, int64_t stride, int64_t length,
                   int64_t width, float *weights, uint8_t *output, int64_t hidden) {
    const __mmask16 last = (__mmask16)(0xFFFFu >> (width - length));
    __m512 peak[QUERIES], sum[QUERIES], mixed[QUERIES][2];
#pragma GCC unroll 8
    for (int query = 0; query < count; query++) peak[query] = _mm512_set1_ps(-1e30f);
    for (int64_t key = 0; key < width; key += LANES) {
        __m512 scores[QUERIES];
#pragma GCC unroll 8
        for (int query = 0; query < count; query++) scores[query] = _mm512_setzero_ps();
        for (int unit = 0; unit < HEAD; unit++) {
            const __m512 some = _mm512_loadu_ps(keys + unit * width + key);
#pragma GCC unroll 8
            for (int query = 0; query < count; query++)
                scores[query] = _mm512_fmadd_ps(_mm512_set1_ps(queries[query * stride + unit]), some, scores[query]);
        }
        const __mmask16 there = key + LANES <= length ? 0xFFFF : last;
#pragma GCC unroll 8
        for (int query = 0; query < count; query++) {
            scores[query] = _mm512_mask_blend_ps(there, _mm512_set1_ps(-1e30f), scores[query]);
            peak[query] = _mm512_max_ps(peak[query], scores[query]);
            _mm512_storeu_ps(weights + query * width + key, scores[query]);
        }
    }
#pragma GCC unroll 8
    for (int query = 0; query < count; query++) {
        peak[query] = _mm512_set1_ps(_mm512_reduce_max_ps(peak[query]));
        sum[query] = mixed[query][0] = mixed[query][1] = _mm512_setzero_ps();
    }
    for (int64_t key = 0; key < width; key += LANES) {
        const __mmask16 there = key + LANES <= length ? 0xFFFF : last;
#pragma GCC unroll 8
        for (int query = 0; query < count; query++) {
            float *place = weights + query * width + key;
            const __m512 share = _mm512_maskz_mov_ps(there, exponential(_mm512_sub_ps(_mm512_loadu_ps(place), peak[query])));
            _mm512_storeu_ps(place, share);
            sum[query] = _mm512_add_ps(sum[query], share);
        }
    }
    for (int64_t key = 0; key < length; key++) {
        const __m512 first = _mm512_loadu_ps(values + key * stride), second = _mm512_loadu_ps(values + key * stride + LANES);
#pragma GCC unroll 8
        for (int query = 0; query < count; query++) {
            const __m512 share = _mm512_set1_ps(weights[query * width + key]);
            mixed[query][0] = _mm512_fmadd_ps(share, first, mixed[query][0]);
            mixed[query][1] = _mm512_fmadd_ps(share, second, mixed[query][1]);
        }
    }
#pragma GCC unroll 8
    for (int query = 0; query < count; query++) {
        const __m512 whole = _mm512_set1_ps(_mm512_reduce_add_ps(sum[query]));
        store_bytes(output + query * hidden, _mm512_div_ps(mixed[query][0], whole));
        store_bytes(output + query * hidden + LANES, _mm512_div_ps(mixed[query][1], whole));
    }
}

/* Sixteen rows of sixteen, `stride` apart, become columns: `output` [16, width]. Rows from `count` on are zero. */
INLINE void transpose(const float *rows, int64_t stride, int64_t count, float *output, int64_t width) {
    __m512 whole[LANES], mixed[LANES];
#pragma GCC unroll 16
    for (int row = 0; row < LANES; row++) whole[row] = row < count ? _mm512_loadu_ps(rows + row * stride) : _mm512_setzero_ps();
#pragma GCC unroll 8
    for (int pair = 0; pair < LANES; pair += 2) {
        mixed[pair] = _mm512_unpacklo_ps(whole[pair], whole[pair + 1]);
        mixed[pair + 1] = _mm512_unpackhi_ps(whole[pair], whole[pair + 1]);
    }
#pragma GCC unroll 4
    for (int four = 0; four < LANES; four += 4)
#pragma GCC unroll 2
        for (int half = 0; half < 2; half++) {
            const __m512d low = _mm512_castps_pd(mixed[four + half]), high = _mm512_castps_pd(mixed[four + half + 2]);
            whole[four + 2 * half] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, high));
            whole[four + 2 * half + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, high));
        }
#pragma GCC unroll 4
    for (int place = 0; place < 4; place++) { /* lane n of whole[4 m + place] holds column 4 n + place of rows 4 m to 4 m + 3 */
        const __m512 first = _mm512_shuffle_f32x4(whole[place], whole[4 + place], 0x88), second = _mm512_shuffle_f32x4(whole[8 + place], whole[12 + place], 0x88);
        const __m512 third = _mm512_shuffle_f32x4(whole[place], whole[4 + place], 0xDD), fourth = _mm512_shuffle_f32x4(whole[8 + place], whole[12 + place], 0xDD);
        _mm512_storeu_ps(output + place * width, _mm512_shuffle_f32x4(first, second, 0x88));
        _mm512_storeu_ps(output + (4 + place) * width, _mm512_shuffle_f32x4(third, fourth, 0x88));
        _mm512_storeu_ps(output + (8 + place) * width, _mm512_shuffle_f32x4(first, second, 0xDD));
        _mm512_storeu_ps(output + (12 + place) * width, _mm512_shuffle_f32x4(third, fourth, 0xDD));
    }
}

/* One sequence: projected [length, 3 * hidden] (queries, keys, values; the latter already in steps of the output) -> [length, hidden]. */
static void attention(const float *projected, int64_t length, int64_t hidden, int64_t heads, float *scratch, uint8_t *output) {
    const int64_t stride = 3 * hidden, width = (length + LANES - 1) / LANES * LANES;
    float *keys = scratch, *weights = scratch + HEAD * width;
    for (int64_t head = 0; head < heads; head++) {
        const float *queries = projected + head * HEAD, *values = queries + 2 * hidden;
        for (int64_t key = 0; key < width; key += LANES)
            for (int unit = 0; unit < HEAD; unit += LANES)
                transpose(queries + key * stride + hidden + unit, stride, length - key, keys + unit * width + key, width);
        int64_t query = 0;
#define ATTEND(count)                                                                                                                 \
    for (; query + (count) <= length; query += (count))                                                                               \
        attend(count, queries + query * stride, keys, values, stride, length, width, weights, output + query * hidden + head * HEAD, hidden);
        ATTEND(8) ATTEND(4) ATTEND(2) ATTEND(1)
    }
}

/* ---- the network ---------------------------------------------------------------------------------------------------------------- */

/* Up to TILE tokens from the attention's output to the layer's. states [count, hidden]; scratch as in Room. */
static void feed_forward(const Network *network, const Layer *layer, int64_t count, float *states, const uint8_t *mixed, float *widened,
                         uint8_t *integers, float *steps) {
    const int64_t hidden = network->hidden, units = network->intermediate;
    for (int row = 0; row < TILE; row++) steps[row] = 1.0f;
    multiply(RESIDUAL, mixed, count, hidden, &layer->out, hidden, steps, states, hidden);
    for (int64_t row = 0; row < count; row++) {
        normalise(states + row * hidden, hidden, layer->middle_weight, layer->middle_bias);
        quantise(states + row * hidden, hidden, layer->up_factor, layer->up_shift, integers + row * hidden);
    }
    multiply(GELU, integers, count, hidden, &layer->up, units, steps, widened, units);
    for (int64_t row = 0; row < count; row++) steps[row] = quantise_widened(widened + row * units, units, integers + row * units);
    multiply(RESIDUAL, integers, count, units, &layer->down, hidden, steps, states, hidden);
    for (int64_t row = 0; row < count; row++) normalise(states + row * hidden, hidden, layer->final_weight, layer->final_bias);
}

static void embed(const Network *network, const int32_t *ids, const int64_t *starts, int64_t sequences, float *states) {
    const int64_t hidden = network->hidden;
    for (int64_t sequence = 0; sequence < sequences; sequence++)
        for (int64_t token = starts[sequence]; token < starts[sequence + 1]; token++, states += hidden) {
            const float *word = network->words + ids[token] * hidden, *position = network->positions + (token - starts[sequence]) * hidden;
            for (int64_t unit = 0; unit < hidden; unit += LANES)
                _mm512_storeu_ps(states + unit, _mm512_add_ps(_mm512_loadu_ps(word + unit), _mm512_loadu_ps(position + unit)));
            normalise(states, hidden, network->norm_weight, network->norm_bias);
        }
}

/* Sum and maximum over the tokens of a sequence [length, hidden] -> two [hidden]. */
static void pool(const float *states, int64_t length, int64_t hidden, float *total, float *largest) {
    for (int64_t unit = 0; unit < hidden; unit += LANES) {
        __m512 sum = _mm512_loadu_ps(states + unit), most = sum;
        for (int64_t token = 1; token < length; token++) {
            const __m512 some = _mm512_loadu_ps(states + token * hidden + unit);
            sum = _mm512_add_ps(sum, some);
            most = _mm512_max_ps(most, some);
        }
        _mm512_storeu_ps(total + unit, sum);
        _mm512_storeu_ps(largest + unit, most);
    }
}

/* Room for one batch at a time. */
typedef struct {
    float *states;     /* [tokens, hidden] */
    float *projected;  /* [tokens, 3 * hidden] */
    uint8_t *mixed;    /* [tokens, hidden] */
    float *widened;    /* [TILE, widest layer] */
    uint8_t *integers; /* [TILE, widest layer] */
    float *attention;  /* [HEAD + QUERIES, longest sequence, in whole lanes] */
    float steps[TILE];
} Room;

/* Up to TILE tokens' states [count, hidden] -> logits [count, labels]. */
static void head(const Head *head, int64_t count, int64_t hidden, const float *states, Room *room, float *logits) {
    for (int64_t row = 0; row < count; row++) quantise(states + row * hidden, hidden, head->factor, head->shift, room->integers + row * hidden);
    multiply(GELU, room->integers, count, hidden, &head->inner, head->units, room->steps, room->widened, head->units);
    for (int64_t row = 0; row < count; row++)
        room->steps[row] = quantise_widened(room->widened + row * head->units, head->units, room->integers + row * head->units);
    multiply(SCALED, room->integers, count, head->units, &head->outer, head->labels, room->steps, logits, head->labels);
}

/* Sequences [0, sequences): their tokens' states in `room`, logits [tokens, labels], and sums and maxima of states [sequences, hidden]. */
static void encode_batch(const Network *network, const int32_t *ids, const int64_t *starts, int64_t sequences, Room *room, float *logits,
                         float *total, float *largest) {
    const int64_t hidden = network->hidden, tokens = starts[sequences] - starts[0];
    float *states = room->states;
    embed(network, ids, starts, sequences, states);
    for (int32_t number = 0; number < network->layers; number++) {
        const Layer *layer = network->layer + number;
        for (int64_t token = 0; token < tokens; token += TILE) {
            const int64_t count = least(TILE, tokens - token);
            for (int64_t row = 0; row < count; row++)
                quantise(states + (token + row) * hidden, hidden, layer->qkv_factor, layer->qkv_shift, room->integers + row * hidden);
            multiply(PLAIN, room->integers, count, hidden, &layer->qkv, 3 * hidden, room->steps, room->projected + token * 3 * hidden, 3 * hidden);
        }
        for (int64_t sequence = 0; sequence < sequences; sequence++) {
            const int64_t first = starts[sequence] - starts[0];
            attention(room->projected + first * 3 * hidden, starts[sequence + 1] - starts[sequence], hidden, network->heads, room->attention,
                      room->mixed + first * hidden);
        }
        for (int64_t token = 0; token < tokens; token += TILE)
            feed_forward(network, layer, least(TILE, tokens - token), states + token * hidden, room->mixed + token * hidden, room->widened,
                         room->integers, room->steps);
    }
    for (int64_t token = 0; token < tokens; token += TILE)
        head(&network->tokens, least(TILE, tokens - token), hidden, states + token * hidden, room, logits + token * network->tokens.labels);
    for (int64_t sequence = 0; sequence < sequences; sequence++)
        pool(states + (starts[sequence] - starts[0]) * hidden, starts[sequence + 1] - starts[sequence], hidden, total + sequence * hidden,
             largest + sequence * hidden);
}

/* What all threads of a call share: batches, of which each takes the next. */
typedef struct {
    const Network *network;
    const int32_t *ids;
    const int64_t *starts, *cuts;
    int64_t batches, most_tokens, longest;
    float *states, *logits, *total, *largest;
    atomic_int_fast64_t taken, done;
} Work;

static void *worker(void *given) {
    Work *work = given;
    const Network *network = work->network;
    const int64_t hidden = network->hidden, width = (work->longest + LANES - 1) / LANES * LANES;
    const int64_t widest = most(most(network->intermediate, network->tokens.units), hidden);
    Room room = {.states = malloc(sizeof(float) * work->most_tokens * hidden),
                 .projected = malloc(sizeof(float) * work->most_tokens * 3 * hidden),
                 .mixed = malloc(work->most_tokens * hidden),
                 .widened = malloc(sizeof(float) * TILE * widest),
                 .integers = malloc(TILE * widest),
                 .attention = malloc(sizeof(float) * (HEAD + QUERIES) * width)};
    if (room.states && room.projected && room.mixed && room.widened && room.integers && room.attention)
        for (int64_t taken; (taken = atomic_fetch_add(&work->taken, 1)) < work->batches; atomic_fetch_add(&work->done, 1)) {
            const int64_t batch = work->batches - 1 - taken; /* the longest sequences are last, and should not be begun last */
            const int64_t first = work->cuts[batch], last = work->cuts[batch + 1], token = work->starts[first];
            encode_batch(network, work->ids, work->starts + first, last - first, &room, work->logits + token * network->tokens.labels,
                         work->total + first * hidden, work->largest + first * hidden);
            if (work->states) memcpy(work->states + token * hidden, room.states, sizeof(float) * (work->starts[last] - token) * hidden);
        }
    free(room.states);
    free(room.projected);
    free(room.mixed);
    free(room.widened);
    free(room.integers);
    free(room.attention);
    return 0;
}

/* Token ids of sequences, of which number n holds [starts[n], starts[n + 1]), in batches, of which number n holds the sequences
   [cuts[n], cuts[n + 1]) -> logits of tokens [tokens, labels], and sum and maximum of each sequence's states [sequences, hidden]; the states
   too [tokens, hidden], unless there is no room for them (null). At most `threads` batches at once. 0, or -1: no memory. */
int cx_encode(const Network *network, const int32_t *ids, const int64_t *starts, const int64_t *cuts, int64_t batches, int32_t threads,
              float *states, float *logits, float *total, float *largest) {
    enum { MOST_THREADS = 256 };
    pthread_t others[MOST_THREADS];
    Work work = {.network = network, .ids = ids, .starts = starts, .cuts = cuts, .batches = batches,
                 .states = states, .logits = logits, .total = total, .largest = largest};
    for (int64_t batch = 0; batch < batches; batch++) {
        work.most_tokens = most(work.most_tokens, starts[cuts[batch + 1]] - starts[cuts[batch]]);
    }
    for (int64_t sequence = 0; sequence < cuts[batches]; sequence++)
        work.longest = most(work.longest, starts[sequence + 1] - starts[sequence]);
    int running = 0;
    const int wanted = (int)least(least(threads, batches), MOST_THREADS) - 1;
    while (running < wanted && !pthread_create(&others[running], 0, worker, &work)) running++;
    worker(&work);
    while (running) pthread_join(others[--running], 0);
    return work.done == batches ? 0 : -1;
}

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#else

int cx_supported(void) { return 0; }
void cx_pack(const int8_t *weight, int64_t rows, int64_t columns, int8_t *packed) { memcpy(packed, weight, rows * columns); }
int cx_encode(const Network *network, const int32_t *ids, const int64_t *starts, const int64_t *cuts, int64_t batches, int32_t threads,
              float *states, float *logits, float *total, float *largest) {
    (void)network, (void)ids, (void)starts, (void)cuts, (void)batches, (void)threads, (void)states, (void)logits, (void)total, (void)largest;
    return -1;
}

#endif
