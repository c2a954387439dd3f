/* Building blocks of kernels.c: vectors of 16 floats, products of integer matrices, what is done to single tokens.

   Included by kernels.c alone, behind its types and inside its target region. */

#include <immintrin.h>

enum { LANES = 16, PANEL = 32, ROWS = 12, TILE = 48, HEAD = 32, QUERIES = 8 };
#define GELU_LEAST 0.17f /* no value of GELU lies below -0.17 */
#define EPSILON 1e-12f
#define INLINE static inline __attribute__((always_inline))

INLINE int64_t least(int64_t one, int64_t other) { return one < other ? one : other; }
INLINE int64_t most(int64_t one, int64_t other) { return one > other ? one : other; }

/* ---- products of integer matrices --------------------------------------------------------------------------------------------- */

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
    __m512 peak = _mm512_setzero_ps();
    for (int64_t unit = 0; unit < units; unit += LANES) peak = _mm512_max_ps(peak, _mm512_loadu_ps(widened + unit));
    const float step = (_mm512_reduce_max_ps(peak) + GELU_LEAST) / 255.0f;
    const __m512 factor = _mm512_set1_ps(1.0f / step), shift = _mm512_set1_ps(GELU_LEAST / step);
    for (int64_t unit = 0; unit < units; unit += LANES)
        store_bytes(integers + unit, _mm512_fmadd_ps(_mm512_loadu_ps(widened + unit), factor, shift));
    return step;
}
