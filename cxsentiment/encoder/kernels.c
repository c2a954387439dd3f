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

#include "kernels_products.h"
#include "kernels_attention.h"

/* Weights [rows, columns] -> panels of 32 rows in which four columns of each row lie together, as VPDPBUSD takes them. */
void cx_pack(const int8_t *weight, int64_t rows, int64_t columns, int8_t *packed) {
    for (int64_t panel = 0; panel < rows; panel += PANEL)
        for (int64_t column = 0; column < columns; column += 4)
            for (int64_t row = panel; row < panel + PANEL; row++, packed += 4) memcpy(packed, weight + row * columns + column, 4);
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
        __m512 sum = _mm512_loadu_ps(states + unit), peak = sum;
        for (int64_t token = 1; token < length; token++) {
            const __m512 some = _mm512_loadu_ps(states + token * hidden + unit);
            sum = _mm512_add_ps(sum, some);
            peak = _mm512_max_ps(peak, some);
        }
        _mm512_storeu_ps(total + unit, sum);
        _mm512_storeu_ps(largest + unit, peak);
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
static void head(const Head *layers, int64_t count, int64_t hidden, const float *states, Room *room, float *logits) {
    for (int64_t row = 0; row < count; row++) quantise(states + row * hidden, hidden, layers->factor, layers->shift, room->integers + row * hidden);
    multiply(GELU, room->integers, count, hidden, &layers->inner, layers->units, room->steps, room->widened, layers->units);
    for (int64_t row = 0; row < count; row++)
        room->steps[row] = quantise_widened(room->widened + row * layers->units, layers->units, room->integers + row * layers->units);
    multiply(SCALED, room->integers, count, layers->units, &layers->outer, layers->labels, room->steps, logits, layers->labels);
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
