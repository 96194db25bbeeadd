/* A relay that is not to be trusted: it has its own signing key and all that was handed in, and
 * keeps things back, tells old things again, garbles, reorders, gives keys of its own making, lies
 * about places, comes back from an old copy without a word, or tells some parties another history
 * than others. When the quiet phase begins it is put out of service and an empty one takes its
 * place: what it did may cost time, and nothing else. */
#include <string.h>

#include "exchange.h"
#include "sim.h"
#include "veldkit/assert.h"
#include "veldkit/frame.h"
#include "veldkit/grant.h"

enum { FRAMES_MAX = 256, KEEPS_OF_HUNDRED = 30 };

/* ---- an answer taken apart ---- */

typedef struct taken_apart {
    veld_arena arena;
    veld_frame frames[FRAMES_MAX];
    size_t count;
} taken_apart;

/* Whether all of it could be taken apart. */
static bool take_apart(veld_span bytes, taken_apart *out)
{
    veld_frame_reader reader = {0};
    bool have = true;
    out->count = 0;
    veld_arena_init(&out->arena, VELD_EXCHANGE_BYTES_MAX);
    veld_status status = veld_frame_reader_init(&reader, VELD_FRAME_STREAM, NULL);
    if (status == VELD_OK && bytes.len <= VELD_FRAME_BYTES_MAX)
        status = veld_frame_reader_add(&reader, bytes, NULL);
    while (status == VELD_OK && have && out->count < FRAMES_MAX) {
        veld_frame *frame = &out->frames[out->count];
        status = veld_frame_reader_next(&reader, frame, &have, NULL);
        if (status == VELD_OK && have) {
            status = veld_arena_copy(&out->arena, frame->body, &frame->body);
            out->count++;
        }
    }
    veld_frame_reader_release(&reader);
    return status == VELD_OK && !have && out->count > 0;
}

static void put_together(const taken_apart *from, veld_buf *out)
{
    veld_frame_writer writer = {0};
    VELD_ASSERT(veld_frame_writer_begin(&writer, VELD_FRAME_STREAM, "sim 1", out, NULL) == VELD_OK);
    for (size_t i = 0; i < from->count; i++)
        VELD_ASSERT(veld_frame_writer_add(&writer, (veld_frame_type)from->frames[i].type,
                        from->frames[i].body, NULL) == VELD_OK);
    VELD_ASSERT(veld_frame_writer_end(&writer, NULL) == VELD_OK);
}

static bool is_item(const veld_frame *frame)
{
    return frame->type != VELD_FRAME_RECEIPT && frame->type != VELD_FRAME_CURSOR &&
           frame->type != VELD_FRAME_GROWTH;
}

/* ---- tricks on frames ---- */

static void withhold(taken_apart *answer, uint64_t *draw)
{
    size_t kept = 0;
    for (size_t i = 0; i < answer->count; i++) {
        if (!is_item(&answer->frames[i]) || sim_chance(draw, 50))
            answer->frames[kept++] = answer->frames[i];
    }
    answer->count = kept;
}

static void garble(taken_apart *answer, uint64_t *draw)
{
    veld_frame *frame = &answer->frames[sim_next(draw) % answer->count];
    veld_span made;
    if (frame->body.len == 0 || veld_arena_copy(&answer->arena, frame->body, &made) != VELD_OK)
        return;
    /* the arena's own copy, which nobody else reads */
    uint8_t *bytes = (uint8_t *)(uintptr_t)made.data;
    bytes[sim_next(draw) % made.len] ^= (uint8_t)(1u << sim_next(draw) % 8);
    frame->body = made;
}

static void shuffle(taken_apart *answer, uint64_t *draw)
{
    for (size_t i = answer->count; i-- > 1;) {
        size_t other = sim_next(draw) % (i + 1);
        veld_frame kept = answer->frames[i];
        answer->frames[i] = answer->frames[other];
        answer->frames[other] = kept;
    }
}

/* A key of its own making for the party, in its own name or the agency's. */
static void give_key_of(
    sim_world *w, taken_apart *answer, unsigned party, const veld_id *case_id, uint64_t *draw)
{
    const sim_slot *to = w->parties[party].slot;
    const veld_agency *agency = &w->relay.agency;
    veld_signer signer = w->plan.real_signatures
                             ? veld_signer_p256(sim_relay_key(&agency->relay_key))
                             : sim_standin_signer(&agency->relay_key);
    const veld_grant_terms terms = {
        .case_id = *case_id,
        .epoch = 1 + (uint32_t)(sim_next(draw) % 3),
        .recipient = to->device,
        .purpose = party == SIM_MERGER ? VELD_GRANT_AGENCY : VELD_GRANT_ASSIGNED,
    };
    uint8_t key[32];
    veld_buf grant;
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)sim_next(draw);
    if (sim_chance(draw, 50)) /* then only the signature says that the agency did not give it */
        signer.public_key = agency->merger_key;
    veld_buf_init(&grant, VELD_GRANT_BYTES_MAX);
    sim_must(w, veld_grant_make(&w->relay.slot->env, &terms, veld_span_of(key, sizeof key),
                    &to->seal_key, &signer, &grant, NULL));
    veld_frame *made = &answer->frames[answer->count];
    if (answer->count < FRAMES_MAX &&
        veld_arena_copy(&answer->arena, veld_buf_span(&grant), &made->body) == VELD_OK) {
        made->type = VELD_FRAME_GRANT;
        answer->count++;
    }
    veld_buf_release(&grant);
}

/* Keys of the cases that there are, and of one that nobody founded. */
static void give_own_keys(sim_world *w, taken_apart *answer, unsigned party, uint64_t *draw)
{
    veld_id nobodys;
    for (size_t i = 0; i < sizeof nobodys.bytes; i++)
        nobodys.bytes[i] = (uint8_t)sim_next(draw);
    give_key_of(w, answer, party, &nobodys, draw);
    for (size_t i = 0; i < w->cases_count; i++)
        give_key_of(w, answer, party, &w->cases[i].id, draw);
}

/* That it begins anew is what an honest relay says after it was restored. */
static void hide_reset(exchange_cursor *cursor, uint64_t *draw)
{
    (void)draw;
    cursor->flags &= ~(uint64_t)CURSOR_RESET;
}

static void move_place(exchange_cursor *cursor, uint64_t *draw)
{
    cursor->seq = sim_next(draw) % (cursor->seq + 2);
}

static void lie_of_cursor(
    taken_apart *answer, void (*how)(exchange_cursor *cursor, uint64_t *draw), uint64_t *draw)
{
    for (size_t i = 0; i < answer->count; i++) {
        exchange_cursor cursor;
        veld_buf made;
        veld_frame *frame = &answer->frames[i];
        if (frame->type != VELD_FRAME_CURSOR)
            continue;
        veld_buf_init(&made, EXCHANGE_SMALL_BYTES_MAX);
        VELD_ASSERT(exchange_read_cursor(frame->body, &cursor, NULL) == VELD_OK);
        how(&cursor, draw);
        VELD_ASSERT(exchange_put_cursor(&cursor, &made, NULL) == VELD_OK);
        VELD_ASSERT(veld_arena_copy(&answer->arena, veld_buf_span(&made), &frame->body) == VELD_OK);
        veld_buf_release(&made);
    }
}

static void keep(sim_world *w, unsigned party, veld_span bytes)
{
    veld_buf *old = &w->evil.old[party];
    if (old->len > 0 && !sim_chance(&w->random, KEEPS_OF_HUNDRED))
        return;
    veld_buf_release(old);
    veld_buf_init(old, VELD_EXCHANGE_BYTES_MAX);
    VELD_ASSERT(veld_buf_append_span(old, bytes) == VELD_OK);
}

bool sim_evil_answer(sim_world *w, unsigned party, veld_span bytes, veld_buf *out)
{
    static taken_apart answer;
    sim_trick trick = w->evil.next[party];
    uint64_t *draw = &w->evil.draw[party];
    if (!w->plan.has_evil)
        return false;
    w->evil.next[party] = TRICK_NONE;
    if (trick == TRICK_OLD_ANSWER && w->evil.old[party].len > 0) {
        VELD_ASSERT(veld_buf_append_span(out, veld_buf_span(&w->evil.old[party])) == VELD_OK);
        return true;
    }
    keep(w, party, bytes);
    if (trick == TRICK_NONE || trick == TRICK_OLD_ANSWER)
        return false;
    bool is_whole = take_apart(bytes, &answer);
    if (trick == TRICK_WITHHOLD)
        withhold(&answer, draw);
    else if (trick == TRICK_GARBLE)
        garble(&answer, draw);
    else if (trick == TRICK_SHUFFLE)
        shuffle(&answer, draw);
    else if (trick == TRICK_OWN_KEY)
        give_own_keys(w, &answer, party, draw);
    else
        lie_of_cursor(&answer, trick == TRICK_CURSOR ? move_place : hide_reset, draw);
    if (is_whole)
        put_together(&answer, out);
    veld_arena_release(&answer.arena);
    return is_whole;
}

/* ---- tricks on journals ---- */

static void fork_journal(sim_world *w, uint64_t *draw)
{
    if (w->fork.is_up || !w->relay.is_up)
        return;
    power_disk_copy(w->relay.slot->disk, w->fork.slot->disk);
    sim_relay_keys(w, &w->fork, veld_buf_span(&w->relay.statement));
    sim_relay_start(w, &w->fork);
    for (unsigned i = 0; i < SIM_PARTIES; i++)
        w->fork.is_for[i] = sim_chance(draw, 50);
}

/* From here on the copy is all that it knows, and it says so to nobody. */
static void come_back_unsaid(sim_world *w, uint64_t draw)
{
    sim_relay *r = &w->relay;
    if (r->is_up && r->has_backup) {
        sim_relay_die(w, r, false, draw);
        power_disk_copy(r->slot->backup, r->slot->disk);
    } else if (r->is_up) {
        power_disk_copy(r->slot->disk, r->slot->backup);
        r->has_backup = true;
    }
}

void sim_evil_event(sim_world *w, unsigned party, uint64_t draw)
{
    sim_trick trick = (sim_trick)(1 + sim_next(&draw) % (TRICKS - 1));
    w->evil.was_evil = true;
    w->evil.next[party] = trick;
    w->evil.draw[party] = draw;
    if (trick == TRICK_FORK)
        fork_journal(w, &draw);
    if (trick == TRICK_UNSAID) {
        come_back_unsaid(w, draw);
        for (unsigned i = 0; i < SIM_PARTIES; i++)
            w->evil.next[i] = TRICK_UNSAID;
    }
}

void sim_evil_end(sim_world *w)
{
    for (unsigned i = 0; i < SIM_PARTIES; i++) {
        w->evil.next[i] = TRICK_NONE;
        veld_buf_release(&w->evil.old[i]);
    }
    sim_relay_stop(&w->fork);
}
