/* Enrolments on their way: kept in memory only, because who waits for one holds the line. */
#include "relay_inner.h"

#include "veldkit/hash.h"

enum { TELL_AGAIN_MS = 2000 };

static void forget(enrol_waiting *one)
{
    veld_buf_clear(&one->request);
    veld_buf_wipe(&one->answer);
    one->used = false;
}

static void forget_old(veld_relay *relay, int64_t now_ms)
{
    for (size_t i = 0; i < VELD_ENROL_WAITING_MAX; i++) {
        if (relay->waiting[i].used && now_ms - relay->waiting[i].since_ms > VELD_ENROL_WAITING_MS)
            forget(&relay->waiting[i]);
    }
}

static enrol_waiting *find(veld_relay *relay, const veld_hash *id)
{
    for (size_t i = 0; i < VELD_ENROL_WAITING_MAX; i++) {
        if (relay->waiting[i].used && veld_hash_equal(&relay->waiting[i].id, id))
            return &relay->waiting[i];
    }
    return NULL;
}

/* A place that is free; else that of the oldest one with an answer, which is kept for a lost line
 * only: who asks again is answered again. NULL when all wait for the office. */
static enrol_waiting *make_room(veld_relay *relay)
{
    enrol_waiting *oldest = NULL;
    for (size_t i = 0; i < VELD_ENROL_WAITING_MAX; i++) {
        enrol_waiting *one = &relay->waiting[i];
        if (!one->used)
            return one;
        if (one->answer.len > 0 && (oldest == NULL || one->since_ms < oldest->since_ms))
            oldest = one;
    }
    if (oldest != NULL)
        forget(oldest);
    return oldest;
}

veld_status veld_relay_enrol_offer(
    veld_relay *relay, veld_span body, veld_hash *id, veld_error *err)
{
    int64_t now_ms = veld_env_now(relay->config.env).monotonic_ms;
    if (body.len == 0 || body.len > VELD_ENROL_REQUEST_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "an enrolment of %zu bytes", body.len);
    veld_status status = veld_sha256(body, id, err);
    if (status != VELD_OK)
        return status;
    forget_old(relay, now_ms);
    if (find(relay, id) != NULL)
        return VELD_OK;
    enrol_waiting *free_one = make_room(relay);
    if (free_one == NULL)
        return veld_fail(err, VELD_E_BUSY, "too many devices ask to be taken in; try again later");
    status = veld_buf_append_span(&free_one->request, body);
    if (status != VELD_OK)
        return veld_fail(err, status, "no memory for an enrolment");
    free_one->id = *id;
    free_one->since_ms = now_ms;
    free_one->told_ms = 0;
    free_one->used = true;
    relay->generation++;
    return VELD_OK;
}

veld_status veld_relay_enrol_answer(
    veld_relay *relay, const veld_hash *id, veld_buf *out, veld_error *err)
{
    forget_old(relay, veld_env_now(relay->config.env).monotonic_ms);
    enrol_waiting *one = find(relay, id);
    if (one == NULL)
        return veld_fail(err, VELD_E_NOT_FOUND, "no such enrolment waits");
    if (one->answer.len == 0)
        return veld_fail(err, VELD_E_BUSY, "the office has not answered yet");
    veld_status status = veld_buf_append_span(out, veld_buf_span(&one->answer));
    return status == VELD_OK ? VELD_OK : veld_fail(err, status, "cannot hold the answer");
}

veld_status relay_enrol_answered(
    veld_relay *relay, const veld_hash *id, veld_span answer, veld_error *err)
{
    enrol_waiting *one = find(relay, id);
    if (one == NULL)
        return VELD_OK;
    relay->generation++;
    if (answer.len == 0) { /* it is no request: its place is free for who has one */
        forget(one);
        return VELD_OK;
    }
    veld_buf_clear(&one->answer);
    veld_status status = veld_buf_append_span(&one->answer, answer);
    if (status != VELD_OK)
        return veld_fail(err, status, "no memory for an enrolment");
    return VELD_OK;
}

static int64_t due_ms(const enrol_waiting *one)
{
    if (!one->used || one->answer.len > 0)
        return INT64_MAX;
    return one->told_ms == 0 ? 0 : one->told_ms + TELL_AGAIN_MS;
}

int64_t relay_enrol_due(const veld_relay *relay)
{
    int64_t due = INT64_MAX;
    for (size_t i = 0; i < VELD_ENROL_WAITING_MAX; i++) {
        int64_t one = due_ms(&relay->waiting[i]);
        due = one < due ? one : due;
    }
    return due;
}

enrol_waiting *relay_enrol_next(veld_relay *relay, int64_t now_ms, size_t *at)
{
    for (; *at < VELD_ENROL_WAITING_MAX; (*at)++) {
        if (due_ms(&relay->waiting[*at]) <= now_ms)
            return &relay->waiting[(*at)++];
    }
    return NULL;
}
