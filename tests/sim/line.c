/* The lines between parties and relay: whole requests and answers that are lost, late, cut or told
 * twice. What is late or twice for an exchange that is over reaches nobody: each exchange has a
 * connection of its own. */
#include <string.h>

#include "sim.h"
#include "veldkit/assert.h"

enum { ANSWER_MS = 20000 };

static sim_message *put(
    sim_world *w, bool to_relay, sim_party *p, uint64_t exchange, veld_span bytes)
{
    size_t at = 0;
    while (at < SIM_MESSAGES_MAX && w->messages[at].is_used)
        at++;
    if (at == SIM_MESSAGES_MAX)
        return NULL; /* lost */
    sim_message *m = &w->messages[at];
    *m = (sim_message){.is_used = true, .to_relay = to_relay, .party = p->index};
    m->exchange = exchange;
    m->order = w->orders++;
    m->at_ms = w->now_ms + 20 + (int64_t)(sim_next(&w->random) % 180);
    if (sim_chance(&w->random, w->plan.delays))
        m->at_ms += (int64_t)(sim_next(&w->random) % 30000);
    if (m->at_ms < p->clogged_ms)
        m->at_ms = p->clogged_ms + (int64_t)(sim_next(&w->random) % 1000);
    if (sim_chance(&w->random, w->plan.cuts)) {
        m->is_cut = true;
        bytes.len = sim_next(&w->random) % bytes.len;
    }
    veld_buf_init(&m->bytes, VELD_EXCHANGE_BYTES_MAX);
    VELD_ASSERT(veld_buf_append_span(&m->bytes, bytes) == VELD_OK);
    return m;
}

static sim_message *send(
    sim_world *w, bool to_relay, sim_party *p, uint64_t exchange, veld_span bytes)
{
    sim_trace(w, bytes.data, bytes.len);
    sim_check_line(w, bytes);
    if (w->now_ms < p->parted_ms || sim_chance(&w->random, w->plan.loss))
        return NULL;
    sim_message *sent = put(w, to_relay, p, exchange, bytes);
    if (to_relay && sim_chance(&w->random, w->plan.repeats))
        (void)put(w, to_relay, p, exchange, bytes);
    return sent;
}

void sim_line_answer(sim_world *w, unsigned party, uint64_t exchange, veld_span bytes)
{
    veld_buf other;
    veld_buf_init(&other, VELD_EXCHANGE_BYTES_MAX);
    bool is_evil = sim_evil_answer(w, party, bytes, &other);
    sim_message *sent =
        send(w, false, &w->parties[party], exchange, is_evil ? veld_buf_span(&other) : bytes);
    if (sent != NULL)
        sent->is_evil = is_evil;
    veld_buf_release(&other);
}

/* The planted fault: what was sent is taken for handed in. */
static veld_status take_as_sent(sim_party *p)
{
    veld_status status;
    veld_store_cursor *cursor = NULL;
    veld_hash ids[SIM_CHANGES_MAX];
    size_t count = 0;
    bool more = true;
    VELD_TRY(veld_store_outbox(p->store, &cursor, NULL));
    while (more && count < SIM_CHANGES_MAX) {
        veld_store_unsent row;
        VELD_TRY(veld_store_outbox_next(cursor, &more, &row, NULL));
        if (more)
            ids[count++] = row.id;
    }
done:
    veld_store_cursor_close(cursor);
    return status == VELD_OK ? veld_store_mark_sent(p->store, ids, count, NULL) : status;
}

void sim_line_begin(sim_party *p)
{
    sim_world *w = p->world;
    veld_buf request;
    uint32_t wait_ms = sim_chance(&w->random, 30) ? VELD_EXCHANGE_WAIT_MS_MAX : 0;
    veld_buf_init(&request, VELD_EXCHANGE_BYTES_MAX);
    sim_memory_begin(p);
    veld_status status = veld_sync_begin(p->sync, wait_ms, &request, NULL);
    (void)sim_memory_end();
    if (status == VELD_OK) {
        p->exchange = ++w->exchanges;
        p->gives_up_ms = w->now_ms + ANSWER_MS + wait_ms;
        (void)send(w, true, p, p->exchange, veld_buf_span(&request));
        if (sim_planted == PLANT_LOST_RECEIPT && p->index != SIM_MERGER)
            status = take_as_sent(p);
    } else {
        veld_sync_fail(p->sync);
    }
    veld_buf_release(&request);
    sim_party_after(p, status);
}

/* What an evil relay said may be refused as a whole; what it says after it came back from a copy
 * does not go on from what it said before. */
static bool is_evil_refusal(const sim_world *w, const sim_message *m, veld_status status)
{
    return (m->is_evil && (status == VELD_E_FORM || status == VELD_E_LIMIT ||
                              status == VELD_E_DAMAGED || status == VELD_E_NEWER)) ||
           (w->evil.was_evil && status == VELD_E_FORGED);
}

/* An answer, in pieces. A line that was cut may look like an end, or not. */
static void take_answer(sim_party *p, const sim_message *m)
{
    sim_world *w = p->world;
    veld_sync_result result = {0};
    veld_error err = {0};
    veld_span all = veld_buf_span(&m->bytes);
    size_t first = all.len > 0 ? sim_next(&w->random) % all.len : 0;
    const veld_log_head log = {.size = p->anchor.log_size, .root = p->anchor.log_root};
    p->exchange = 0;
    sim_memory_begin(p);
    veld_status status = veld_sync_feed(p->sync, veld_span_part(all, 0, first), &err);
    if (status == VELD_OK)
        status = veld_sync_feed(p->sync, veld_span_part(all, first, all.len - first), &err);
    if (status == VELD_OK && m->is_cut && sim_chance(&w->random, 50))
        status = VELD_E_NETWORK;
    if (status == VELD_OK)
        status = veld_sync_finish(p->sync, &result, &err);
    else
        veld_sync_fail(p->sync);
    bool ran_out = sim_memory_end();
    if (!m->is_cut && !ran_out && !is_evil_refusal(w, m, status) && status != VELD_OK &&
        status != VELD_E_IO && status != VELD_E_FULL && !power_disk_is_dead(p->slot->disk))
        sim_fail(w, SIM_LIVE, "party %u, whole answer: %s", p->index, err.text);
    if (m->is_cut && status == VELD_OK)
        sim_fail(w, SIM_LIVE, "party %u took a cut answer for a whole one", p->index);
    sim_party_after(p, status);
    p->may_have_keys = w->plan.has_keys && (p->may_have_keys || status != VELD_OK);
    if (status == VELD_OK && p->is_up) {
        if (result.has_new_keys || p->may_have_keys)
            sim_keys_load(p);
        sim_lease_told(p);
        sim_check_log(p, &log);
        sim_check_touched(p);
        sim_check_taken_in(p);
    }
}

static sim_message *next_due(sim_world *w)
{
    sim_message *due = NULL;
    for (size_t i = 0; i < SIM_MESSAGES_MAX; i++) {
        sim_message *m = &w->messages[i];
        if (m->is_used && m->at_ms <= w->now_ms &&
            (due == NULL || m->at_ms < due->at_ms ||
                (m->at_ms == due->at_ms && m->order < due->order)))
            due = m;
    }
    return due;
}

void sim_line_deliver(sim_world *w)
{
    for (sim_message *m = next_due(w); m != NULL && !w->has_failed; m = next_due(w)) {
        sim_party *p = &w->parties[m->party];
        if (m->to_relay)
            sim_relay_take(w, m->party, m->exchange, veld_buf_span(&m->bytes));
        else if (p->is_up && p->exchange == m->exchange)
            take_answer(p, m);
        veld_buf_release(&m->bytes);
        m->is_used = false;
    }
}

int64_t sim_line_next_ms(const sim_world *w)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < SIM_MESSAGES_MAX; i++) {
        if (w->messages[i].is_used && w->messages[i].at_ms < next)
            next = w->messages[i].at_ms;
    }
    return next;
}

void sim_line_drop_all(sim_world *w)
{
    for (size_t i = 0; i < SIM_MESSAGES_MAX; i++) {
        if (w->messages[i].is_used)
            veld_buf_release(&w->messages[i].bytes);
        w->messages[i].is_used = false;
    }
}
