/* A sentence is its words and the white space behind it; only the words are compared, so who adds a
 * sentence does not change the one before. */
#include "text_merge.h"

#include "veldkit/arena.h"
#include "veldkit/limits.h"

typedef struct sentence {
    veld_span words;
    veld_span space;
} sentence;

typedef struct text {
    sentence *sentences;
    size_t count;
} text;

/* Sentences [from, to) of the base became [begin, end) of a side. */
typedef struct hunk {
    size_t from, to;
    size_t begin, end;
} hunk;

/* One side held against the base. */
typedef struct side {
    text text;
    size_t *place; /* for each sentence of the base where it is here; SIZE_MAX when it is gone */
    hunk *hunks;
    size_t hunks_count;
} side;

/* ---- sentences ---- */

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

static bool is_end(uint8_t c)
{
    return c == '.' || c == '!' || c == '?';
}

/* The end of the sentence that begins at `at`; `*words` is where its white space begins. */
static size_t sentence_end(veld_span from, size_t at, size_t *words)
{
    size_t begin = at;
    while (at < from.len) {
        if (!is_space(from.data[at])) {
            at++;
            continue;
        }
        bool ends = at > begin && is_end(from.data[at - 1]);
        *words = at;
        for (; at < from.len && is_space(from.data[at]); at++)
            ends = ends || from.data[at] == '\n';
        if (ends)
            return at;
    }
    *words = at;
    return at;
}

/* False when there are too many, or no memory (`*status`). */
static bool cut(veld_span from, veld_arena *arena, text *out, veld_status *status)
{
    out->sentences = veld_arena_get(arena, VELD_MERGE_SENTENCES_MAX, sizeof *out->sentences);
    if (out->sentences == NULL)
        *status = VELD_E_MEMORY;
    for (size_t at = 0; out->sentences != NULL && at < from.len;) {
        size_t words;
        size_t end = sentence_end(from, at, &words);
        if (out->count == VELD_MERGE_SENTENCES_MAX)
            return false;
        out->sentences[out->count++] = (sentence){
            .words = veld_span_part(from, at, words - at),
            .space = veld_span_part(from, words, end - words),
        };
        at = end;
    }
    return out->sentences != NULL;
}

static bool same(const sentence *a, const sentence *b)
{
    return veld_span_equal(a->words, b->words);
}

/* ---- what a side changed ---- */

enum { WIDTH = VELD_MERGE_SENTENCES_MAX + 1 };

/* lengths[i * WIDTH + j]: of the longest common subsequence of what is behind i and j. */
static void measure(const text *base, const text *other, uint16_t *lengths)
{
    for (size_t i = base->count; i-- > 0;) {
        for (size_t j = other->count; j-- > 0;) {
            uint16_t down = lengths[(i + 1) * WIDTH + j];
            uint16_t right = lengths[i * WIDTH + j + 1];
            lengths[i * WIDTH + j] = same(&base->sentences[i], &other->sentences[j])
                                         ? (uint16_t)(lengths[(i + 1) * WIDTH + j + 1] + 1)
                                     : down >= right ? down
                                                     : right;
        }
    }
}

static void place(const text *base, side *s, const uint16_t *lengths)
{
    size_t i = 0, j = 0;
    while (i < base->count) {
        bool here = j < s->text.count && same(&base->sentences[i], &s->text.sentences[j]);
        bool gone =
            j == s->text.count || lengths[(i + 1) * WIDTH + j] >= lengths[i * WIDTH + j + 1];
        s->place[i] = here ? j : SIZE_MAX;
        i += here || gone;
        j += here || !gone;
    }
}

static void list_hunks(const text *base, side *s)
{
    hunk open = {0};
    for (size_t i = 0; i <= base->count; i++) {
        if (i < base->count && s->place[i] == SIZE_MAX)
            continue;
        open.to = i;
        open.end = i < base->count ? s->place[i] : s->text.count;
        if (open.from < open.to || open.begin < open.end)
            s->hunks[s->hunks_count++] = open;
        open.from = i + 1;
        open.begin = open.end + 1;
    }
}

static bool compare(
    const text *base, veld_span from, veld_arena *arena, side *out, veld_status *status)
{
    if (!cut(from, arena, &out->text, status))
        return false;
    uint16_t *lengths = veld_arena_get(arena, (size_t)WIDTH * WIDTH, sizeof *lengths);
    out->place = veld_arena_get(arena, base->count, sizeof *out->place);
    out->hunks = veld_arena_get(arena, base->count + 1, sizeof *out->hunks);
    if (lengths == NULL || out->place == NULL || out->hunks == NULL) {
        *status = VELD_E_MEMORY;
        return false;
    }
    measure(base, &out->text, lengths);
    place(base, out, lengths);
    list_hunks(base, out);
    return true;
}

/* ---- both ---- */

static bool same_hunk(const side *left, const hunk *l, const side *right, const hunk *r)
{
    bool equal = l->from == r->from && l->to == r->to && l->end - l->begin == r->end - r->begin;
    for (size_t i = 0; equal && i < l->end - l->begin; i++)
        equal = same(&left->text.sentences[l->begin + i], &right->text.sentences[r->begin + i]);
    return equal;
}

static bool adds_behind(const hunk *h, const text *base)
{
    return h->from == base->count;
}

/* Whether all hunks of both sides can be made. */
static bool fit(const text *base, const side *left, const side *right)
{
    for (size_t l = 0, r = 0; l < left->hunks_count && r < right->hunks_count;) {
        const hunk *a = &left->hunks[l];
        const hunk *b = &right->hunks[r];
        bool touch = a->from <= b->to && b->from <= a->to;
        bool behind = adds_behind(a, base) && adds_behind(b, base);
        if (touch && !behind && !same_hunk(left, a, right, b))
            return false;
        if (a->to < b->to || (a->to == b->to && !touch))
            l++;
        else if (a->to > b->to)
            r++;
        else {
            l++;
            r++;
        }
    }
    return true;
}

typedef struct writer {
    veld_buf *out;
    bool open; /* the last sentence has no white space behind it */
} writer;

static veld_status put(writer *w, veld_span words, veld_span space)
{
    veld_status status = VELD_OK;
    if (w->open)
        VELD_TRY(veld_buf_append_byte(w->out, ' '));
    VELD_TRY(veld_buf_append_span(w->out, words));
    VELD_TRY(veld_buf_append_span(w->out, space));
    w->open = space.len == 0;
done:
    return status;
}

static veld_status put_hunk(writer *w, const side *s, const hunk *h)
{
    veld_status status = VELD_OK;
    for (size_t i = h->begin; status == VELD_OK && i < h->end; i++)
        status = put(w, s->text.sentences[i].words, s->text.sentences[i].space);
    return status;
}

/* A sentence that both kept, with the white space of the one who changed that. */
static veld_status put_kept(
    writer *w, const sentence *base, const side *left, const side *right, size_t at)
{
    veld_span space = left->text.sentences[left->place[at]].space;
    if (veld_span_equal(space, base->space))
        space = right->text.sentences[right->place[at]].space;
    return put(w, base->words, space);
}

static veld_status write_merge(const text *base, const side *left, const side *right, veld_buf *out)
{
    veld_status status = VELD_OK;
    writer w = {.out = out};
    size_t l = 0, r = 0;
    for (size_t i = 0; i <= base->count;) {
        const hunk *a = l < left->hunks_count ? &left->hunks[l] : NULL;
        const hunk *b = r < right->hunks_count ? &right->hunks[r] : NULL;
        bool by_left = a != NULL && a->from == i;
        bool by_right = b != NULL && b->from == i;
        bool once = by_left && by_right && same_hunk(left, a, right, b);
        size_t next = i;
        if (by_left) {
            VELD_TRY(put_hunk(&w, left, a));
            next = a->to;
            l++;
        }
        if (by_right && !once)
            VELD_TRY(put_hunk(&w, right, b));
        if (by_right) {
            next = b->to;
            r++;
        }
        if (next < base->count)
            VELD_TRY(put_kept(&w, &base->sentences[next], left, right, next));
        i = next + 1;
    }
done:
    return status;
}

veld_status text_merge(veld_span base, veld_span left, veld_span right, veld_buf *out, bool *merged)
{
    veld_status status = VELD_OK;
    veld_arena arena;
    text from = {0};
    side a = {0}, b = {0};
    size_t before = out->len;
    *merged = false;
    veld_arena_init(&arena, VELD_MERGE_BYTES_MAX);
    if (cut(base, &arena, &from, &status) && compare(&from, left, &arena, &a, &status) &&
        compare(&from, right, &arena, &b, &status) && fit(&from, &a, &b)) {
        status = write_merge(&from, &a, &b, out);
        *merged = status == VELD_OK;
        if (status != VELD_OK)
            out->len = before;
    }
    veld_arena_release(&arena);
    return status;
}
