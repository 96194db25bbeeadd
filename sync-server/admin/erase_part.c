/* case erase --part: a part of a case is erased by founding the case anew without it and erasing
 * the old one. The number of a dossier is that of its main case: so when a part of that goes, the
 * whole dossier goes on under a new number. Founding, keys for who has the case, stubs and orders
 * are one transaction. */
#include <string.h>

#include "erase.h"

enum { LEFT_MAX = 256 };

typedef struct parting {
    veld_cli_call *call;
    const srv_aim *at;
    veld_anew *cases; /* in the order of their founding; `old` open while they are looked at */
    size_t count;
    veld_case *main; /* stays and gets links, or NULL */
    veld_id left[LEFT_MAX];
    size_t left_count;
    bool found[LEFT_MAX];
} parting;

/* ---- which records ---- */
static veld_status add_left(parting *p, const char *word)
{
    veld_id found = {{0}};
    size_t matches = 0;
    veld_status status;
    VELD_TRY(veld_cli_prefix_check(word, &p->call->err));
    for (size_t i = 0; i < p->count; i++) {
        size_t count = 0;
        const veld_state_record *const *records =
            veld_state_records(veld_case_state(p->cases[i].old), &count);
        for (size_t k = 0; records != NULL && k < count; k++) {
            if (p->cases[i].compartment != p->at->items[p->at->count - 1]->compartment ||
                !veld_cli_prefix_fits(&records[k]->id, word) ||
                (matches > 0 && veld_id_equal(&records[k]->id, &found)))
                continue;
            found = records[k]->id;
            matches++;
        }
    }
    VELD_TRY(veld_cli_prefix_judge(word, "onderdeel", matches, &p->call->err));
    if (p->left_count == LEFT_MAX) {
        status = veld_fail(&p->call->err, VELD_E_LIMIT, "te veel onderdelen ineens");
        goto done;
    }
    p->left[p->left_count++] = found;

done:
    return status;
}

static veld_status read_left(parting *p)
{
    const char *words = veld_cli_value(p->call, SRV_OPTION_PART);
    veld_status status = VELD_OK;
    while (status == VELD_OK && words != NULL) {
        char word[VELD_ID_TEXT_SIZE];
        const char *comma = strchr(words, ',');
        size_t len = comma != NULL ? (size_t)(comma - words) : strlen(words);
        if (len >= sizeof word)
            return veld_fail(
                &p->call->err, VELD_E_INVALID, "--part: dit is geen nummer van een onderdeel");
        memcpy(word, words, len);
        word[len] = '\0';
        status = add_left(p, word);
        words = comma != NULL ? comma + 1 : NULL;
    }
    return status;
}

/* ---- opened ---- */
static void close_all(parting *p)
{
    for (size_t i = 0; i < p->count; i++) {
        veld_case_close(p->cases[i].old);
        p->cases[i].old = NULL;
    }
    veld_case_close(p->main);
    p->main = NULL;
}

static veld_status open_all(parting *p)
{
    const veld_desk quiet = veld_desk_quiet(&p->call->session->desk);
    const srv_aim *at = p->at;
    const veld_place *last = at->items[at->count - 1];
    veld_status status = VELD_OK;
    for (size_t i = at->count; i > 0; i--) { /* the main case first */
        veld_anew *one = &p->cases[p->count];
        one->compartment = at->items[i - 1]->compartment;
        VELD_TRY(veld_case_open(&quiet, &at->items[i - 1]->case_id, &one->old, &p->call->err));
        p->count++;
    }
    if (last->compartment != VELD_COMPARTMENT_MAIN)
        status = veld_case_open(&quiet, &last->dossier, &p->main, &p->call->err);

done:
    return status;
}

/* Of several cases of one compartment only that in which the records are is founded anew. */
static bool has_left(const parting *p, const veld_anew *one)
{
    size_t count = 0;
    const veld_state_record *const *records = veld_state_records(veld_case_state(one->old), &count);
    for (size_t i = 0; records != NULL && i < count; i++)
        for (size_t k = 0; k < p->left_count; k++)
            if (veld_id_equal(&records[i]->id, &p->left[k]))
                return true;
    return false;
}

static void keep_concerned(parting *p)
{
    size_t kept = 0;
    for (size_t i = 0; p->main != NULL && i < p->count; i++) {
        if (has_left(p, &p->cases[i]))
            p->cases[kept++] = p->cases[i];
        else
            veld_case_close(p->cases[i].old);
    }
    if (p->main != NULL)
        p->count = kept;
}

/* ---- doing ---- */
/* The lines are on the disk before anything is destroyed. */
static veld_status note_erased(const parting *p)
{
    veld_access_log *access = p->call->session->access;
    veld_status status = VELD_OK;
    for (size_t i = 0; i < p->count; i++)
        VELD_TRY(veld_access_add(
            access, VELD_ACCESS_ERASE, veld_case_id(p->cases[i].old), NULL, &p->call->err));
    if (p->main != NULL)
        VELD_TRY(
            veld_access_add(access, VELD_ACCESS_WRITE, veld_case_id(p->main), NULL, &p->call->err));
    status = veld_access_flush(access, &p->call->err);

done:
    return status;
}

static veld_status erase_old(parting *p, const veld_id *old, const veld_anew *one)
{
    srv_session *session = p->call->session;
    veld_error *err = &p->call->err;
    const srv_erasure erasure = {.place = veld_places_of(&p->at->places, old),
        .anew = one->id,
        .left = p->left,
        .left_count = p->left_count};
    veld_buf stub;
    veld_status status;
    veld_buf_init(&stub, VELD_JWS_TEXT_MAX);
    VELD_TRY(veld_access_add(session->access, VELD_ACCESS_CREATE, &one->id, NULL, err));
    VELD_TRY(srv_stub_make(p->call, &erasure, &stub));
    VELD_TRY(veld_sync_follow_anew(session->sync, old, &one->id, err));
    status = veld_sync_erase(session->sync, old, veld_buf_span(&stub), err);

done:
    veld_buf_release(&stub);
    return status;
}

/* Inside the transaction. */
static veld_status found_and_erase(parting *p, const veld_id *olds)
{
    srv_session *session = p->call->session;
    const veld_desk quiet = veld_desk_quiet(&session->desk);
    veld_id main_id = {{0}};
    veld_error *err = &p->call->err;
    veld_status status;
    if (p->main != NULL)
        main_id = *veld_case_id(p->main);
    status = veld_part_found_anew(&quiet, p->cases, p->count, p->main, p->left, p->left_count, err);
    close_all(p);
    VELD_TRY(status);
    if (veld_id_is_zero(&main_id))
        VELD_TRY(srv_assign_anew(session, &olds[0], &p->cases[0].id, err));
    else
        VELD_TRY(veld_sync_post_head(session->sync, &main_id, err));
    for (size_t i = 0; i < p->count; i++)
        VELD_TRY(erase_old(p, &olds[i], &p->cases[i]));
    status = veld_access_flush(session->access, err);

done:
    return status;
}

static veld_status do_it(parting *p, veld_id *first)
{
    srv_session *session = p->call->session;
    veld_id *olds = veld_allocate(p->count * sizeof *olds);
    veld_status status;
    if (olds == NULL)
        return veld_fail(&p->call->err, VELD_E_MEMORY, "no memory for %zu cases", p->count);
    for (size_t i = 0; i < p->count; i++)
        olds[i] = *veld_case_id(p->cases[i].old);
    *first = olds[0];
    VELD_TRY(note_erased(p));
    VELD_TRY(veld_store_begin(session->store, &p->call->err));
    status = found_and_erase(p, olds);
    status = veld_store_end(session->store, status, &p->call->err);
    VELD_TRY(status);
    for (size_t i = 0; i < p->count; i++)
        VELD_TRY(veld_sync_end_erasure(session->sync, &olds[i], &p->call->err));

done:
    veld_release(olds);
    return status;
}

veld_status srv_erase_part(veld_cli_call *call, srv_aim *at, veld_id *case_id)
{
    parting p = {.call = call, .at = at};
    veld_status status;
    p.cases = veld_allocate(at->count * sizeof *p.cases);
    if (p.cases == NULL)
        return veld_fail(&call->err, VELD_E_MEMORY, "no memory for %zu cases", at->count);
    VELD_TRY(open_all(&p));
    VELD_TRY(read_left(&p));
    keep_concerned(&p);
    at->count = p.count;
    for (size_t i = 0; i < p.count; i++)
        at->items[i] = veld_places_of(&at->places, veld_case_id(p.cases[i].old));
    if (veld_cli_given(call, SRV_OPTION_CONFIRM))
        status = do_it(&p, case_id);

done:
    close_all(&p);
    veld_release(p.cases);
    return status;
}
