/* Self-attention for kernels.c, one sequence and one head at a time. Included by kernels.c alone, behind kernels_products.h. */

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
