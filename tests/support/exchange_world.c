/* An agency in one process. */
#include "exchange_world.h"

#include <string.h>

#include "veld_test.h"
#include "veldkit/crypto.h"
#include "veldkit/hash.h"
#include "veldkit/limits.h"

const exchange_fault exchange_no_fault = {.cut_request = SIZE_MAX, .cut_answer = SIZE_MAX};

static void count_event(void *context, const veld_sync_event *event)
{
    exchange_party *p = context;
    p->events[event->kind]++;
    if (event->kind == VELD_SYNC_REFUSED)
        p->refusal = event->status;
}

static void start(exchange_party *p)
{
    exchange_world *w = p->world;
    const veld_id boot = {{1}};
    assert_ok(veld_anchor_load(p->t.store, &boot, &p->anchor, NULL));
    p->t.desk.keyring = veld_directory_keyring(p->t.store);
    p->t.desk.anchor = &p->anchor;
    const veld_sync_config config = {
        .desk = &p->t.desk,
        .program = "test 1",
        .role = p->is_merger ? VELD_SYNC_MERGER : VELD_SYNC_DEVICE,
        .agency = &w->agency,
        .anchor = &p->anchor,
        .context = p,
        .event = count_event,
        .checkpoint_min = p->is_merger ? w->checkpoint_min : 0,
    };
    assert_ok(veld_sync_new(&config, &p->sync, NULL));
}

void exchange_party_restart(exchange_party *p)
{
    veld_sync_free(p->sync);
    test_desk_reopen(&p->t);
    start(p);
}

exchange_party *exchange_party_clone(exchange_world *w, exchange_party *from, uint64_t seed)
{
    assert_true(w->count < EXCHANGE_TABLETS_MAX);
    exchange_party *p = &w->tablets[w->count++];
    memset(p, 0, sizeof *p);
    p->world = w;
    veld_sync_free(from->sync);
    test_desk_clone(&p->t, &from->t, seed);
    start(from);
    start(p);
    return p;
}

static void make_agency(exchange_world *w)
{
    assert_ok(veld_p256_generate(&w->env.env, &w->root, NULL));
    assert_ok(veld_p256_generate(&w->env.env, &w->relay_key, NULL));
    w->agency = (veld_agency){
        .id = w->merger.t.card.device,
        .name = "Veilig Thuis Test",
        .root_key = w->root.public_key,
        .merger_key = w->merger.t.card.sign_key,
        .seal_key = w->merger.t.card.seal_key,
        .relay_key = w->relay_key.public_key,
    };
    veld_signer root = veld_signer_p256(&w->root);
    veld_buf_init(&w->statement, VELD_DIRECTORY_BYTES_MAX);
    assert_ok(veld_agency_make(&w->agency, &root, &w->statement, NULL));
}

static void open_party(
    exchange_world *w, exchange_party *p, bool is_merger, uint64_t seed, const char *name)
{
    memset(p, 0, sizeof *p);
    p->world = w;
    p->is_merger = is_merger;
    test_desk_open(&p->t, &p->keys, seed, name);
    if (is_merger)
        make_agency(w);
    veld_verifier verifier = veld_verifier_p256();
    assert_ok(veld_agency_put(p->t.store, &verifier, veld_buf_span(&w->statement), NULL));
    start(p);
}

static void enrol(exchange_world *w, exchange_party *p, uint64_t position)
{
    veld_buf entry;
    const veld_directory_entry it = {
        .device = p->t.card.device,
        .sign_key = p->t.card.sign_key,
        .seal_key = p->t.card.seal_key,
        .state = VELD_DEVICE_ACTIVE,
        .position = position,
    };
    veld_buf_init(&entry, VELD_DIRECTORY_BYTES_MAX);
    veld_desk *merger = &w->merger.t.desk;
    assert_ok(veld_directory_make(&it, &merger->signer, &entry, NULL));
    assert_ok(veld_directory_put(merger->store, &merger->verifier, &w->agency.merger_key,
        veld_buf_span(&entry), NULL, NULL));
    assert_ok(veld_sync_post_entry(w->merger.sync, &it.device, veld_buf_span(&entry), NULL));
    veld_buf_release(&entry);
}

void exchange_relay_restart(exchange_world *w, const veld_journal *kept)
{
    const veld_relay_config config = {
        .env = &w->env.env,
        .program = "relay 1",
        .journal = kept,
        .signer = veld_signer_p256(&w->relay_key),
        .verifier = veld_verifier_p256(),
        .merger_key = w->agency.merger_key,
    };
    veld_relay_free(w->relay);
    w->kept = kept;
    assert_ok(veld_relay_new(&config, &w->relay, NULL));
}

void exchange_world_open_on(
    exchange_world *w, size_t tablets, uint64_t seed, const veld_journal *kept)
{
    memset(w, 0, sizeof *w);
    assert_true(tablets <= EXCHANGE_TABLETS_MAX);
    assert_ok(veld_crypto_init(NULL));
    test_env_init(&w->env, seed * 100 + 99);
    test_journal_init(&w->journal, 1);
    open_party(w, &w->merger, true, seed * 100, "Kantoor");
    exchange_relay_restart(w, kept != NULL ? kept : &w->journal.journal);
    for (w->count = 0; w->count < tablets; w->count++) {
        exchange_party *p = &w->tablets[w->count];
        open_party(w, p, false, seed * 100 + 1 + w->count, "Medewerker");
        enrol(w, p, w->count + 1);
    }
    exchange_until_quiet(&w->merger);
}

void exchange_world_open(exchange_world *w, size_t tablets, uint64_t seed)
{
    exchange_world_open_on(w, tablets, seed, NULL);
}

static void close_party(exchange_party *p)
{
    veld_sync_free(p->sync);
    test_desk_close(&p->t);
}

void exchange_world_close(exchange_world *w)
{
    close_party(&w->merger);
    for (size_t i = 0; i < w->count; i++)
        close_party(&w->tablets[i]);
    veld_relay_free(w->relay);
    test_journal_release(&w->journal);
    veld_p256_release(&w->root);
    veld_p256_release(&w->relay_key);
    veld_buf_release(&w->statement);
}

static veld_status serve(exchange_party *p, veld_span request, veld_buf *answer, veld_error *err)
{
    veld_status status;
    bool parked = false;
    veld_relay_turn *turn = NULL;
    exchange_world *w = p->world;
    clock_t start = clock();
    const veld_relay_peer peer = {
        .device = p->t.card.device,
        .is_merger = p->is_merger,
        .may_fetch = !p->is_revoked,
        .is_revoked = p->is_revoked,
        .quota_bytes = 1u << 30,
    };
    VELD_TRY(veld_relay_take(w->relay, &peer, request, &turn, err));
    VELD_TRY(veld_relay_answer(w->relay, turn, answer, &parked, err));
    if (parked) {
        w->env.now.monotonic_ms = veld_relay_turn_deadline_ms(turn);
        VELD_TRY(veld_relay_answer(w->relay, turn, answer, &parked, err));
        assert_false(parked);
    }
done:
    veld_relay_turn_free(turn);
    w->relaying += clock() - start;
    return status;
}

veld_status exchange_once(
    exchange_party *p, const exchange_fault *fault, veld_sync_result *result, veld_error *err)
{
    veld_status status;
    veld_buf request, answer;
    veld_buf_init(&request, VELD_EXCHANGE_BYTES_MAX);
    veld_buf_init(&answer, VELD_EXCHANGE_BYTES_MAX);
    status = veld_sync_begin(p->sync, 0, &request, err);
    if (status != VELD_OK)
        goto done;
    if (request.len > fault->cut_request)
        request.len = fault->cut_request;
    if (fault->twice)
        (void)!serve(p, veld_buf_span(&request), &answer, NULL);
    veld_buf_clear(&answer);
    status = serve(p, veld_buf_span(&request), &answer, err);
    if (answer.len > fault->cut_answer)
        answer.len = fault->cut_answer;
    if (status == VELD_OK)
        status = veld_sync_feed(p->sync, veld_buf_span(&answer), err);
    if (status == VELD_OK)
        status = veld_sync_finish(p->sync, result, err);
    else
        veld_sync_fail(p->sync);
done:
    veld_buf_release(&request);
    veld_buf_release(&answer);
    test_env_advance(&p->t.world, 100);
    test_env_advance(&p->world->env, 100);
    return status;
}

void exchange_until_quiet(exchange_party *p)
{
    veld_sync_result result = {.more = true};
    p->up = p->down = p->trips = 0;
    for (unsigned i = 0; result.more; i++) {
        veld_error err = {0};
        assert_true(i < 20);
        if (exchange_once(p, &exchange_no_fault, &result, &err) != VELD_OK)
            fail_msg("%s", err.text);
        p->up += result.bytes_up;
        p->down += result.bytes_down;
        p->trips++;
    }
}

void exchange_all_quiet(exchange_world *w)
{
    uint64_t before = UINT64_MAX;
    for (unsigned round = 0; w->kept->size(w->kept->context) != before; round++) {
        assert_true(round < 10);
        before = w->kept->size(w->kept->context);
        for (size_t i = 0; i < w->count; i++)
            exchange_until_quiet(&w->tablets[i]);
        exchange_until_quiet(&w->merger);
    }
    for (size_t i = 0; i < w->count; i++)
        exchange_until_quiet(&w->tablets[i]);
}

/* ---- keys ---- */

static void sign_former(exchange_world *w, const veld_p256_private *fresh)
{
    const veld_signer root = veld_signer_p256(&w->root);
    veld_agency_former *former = &w->agency.former[0];
    memmove(former + 1, former, w->agency.former_count++ * sizeof *former);
    *former = (veld_agency_former){.kind = VELD_AGENCY_MERGER, .key = w->agency.merger_key};
    assert_ok(veld_sync_last_serial(w->merger.sync, &former->serial, NULL));
    assert_ok(veld_directory_next(w->merger.t.store, &former->position, NULL));
    former->position--;
    w->agency.edition = w->agency.edition < 2 ? 2 : w->agency.edition + 1;
    w->agency.merger_key = fresh->public_key;
    veld_buf_clear(&w->statement);
    assert_ok(veld_agency_make(&w->agency, &root, &w->statement, NULL));
}

void exchange_change_key(exchange_world *w, const veld_p256_private *fresh)
{
    exchange_party *merger = &w->merger;
    veld_store *store = merger->t.store;
    const veld_verifier verifier = veld_verifier_p256();
    sign_former(w, fresh);
    const veld_span statement = veld_buf_span(&w->statement);
    assert_ok(veld_store_begin(store, NULL));
    assert_ok(veld_agency_put(store, &verifier, statement, NULL));
    assert_ok(veld_sync_post_entry(merger->sync, &w->agency.id, statement, NULL));
    assert_ok(veld_store_change_signing_key(store, fresh, NULL));
    assert_ok(veld_store_commit(store, NULL));
    veld_sync_free(merger->sync);
    merger->sync = NULL;
    test_desk_reopen(&merger->t);
    veld_relay_free(w->relay);
    const veld_relay_config config = {.env = &w->env.env,
        .program = "relay 1",
        .journal = &w->journal.journal,
        .signer = veld_signer_p256(&w->relay_key),
        .verifier = verifier,
        .merger_key = w->agency.merger_key,
        .agency = &w->agency,
        .statement = statement};
    assert_ok(veld_relay_new(&config, &w->relay, NULL));
}

/* ---- cases ---- */

veld_id exchange_found(exchange_party *p, veld_id *person)
{
    veld_id case_id, root;
    veld_case *opened;
    assert_ok(veld_founder_new_id(&p->t.world.env, veld_store_device(p->t.store), &case_id, NULL));
    assert_ok(veld_id_new(&p->t.world.env, &root, NULL));
    assert_ok(veld_id_new(&p->t.world.env, person, NULL));
    veld_edit edits[] = {
        test_edit_set(&root, "case", "title", "\"Gezin Test\""),
        test_edit_set(person, "person", "name", "\"Mina\""),
    };
    assert_ok(veld_case_found(&p->t.desk, &case_id, edits, 2, &opened, NULL));
    veld_case_close(opened);
    return case_id;
}

void exchange_save(
    exchange_party *p, const veld_id *case_id, const veld_id *person, const char *json)
{
    veld_case *opened;
    veld_hash change;
    veld_edit edit = test_edit_set(person, "person", "name", json);
    assert_ok(veld_case_open(&p->t.desk, case_id, &opened, NULL));
    assert_ok(veld_case_save(opened, &edit, 1, &change, NULL));
    veld_case_close(opened);
}

void exchange_assign(exchange_world *w, const veld_id *case_id, const exchange_party *to)
{
    veld_directory_entry entry;
    assert_ok(veld_directory_find(w->merger.t.store, &to->t.card.device, &entry, NULL));
    assert_ok(veld_sync_post_grant(w->merger.sync, case_id, &entry, VELD_GRANT_ASSIGNED, 0, NULL));
}

veld_id exchange_share(
    exchange_world *w, exchange_party *from, const exchange_party *to, veld_id *person)
{
    veld_id case_id = exchange_found(from, person);
    exchange_all_quiet(w);
    exchange_assign(w, &case_id, to);
    exchange_all_quiet(w);
    return case_id;
}

size_t exchange_doubtful(exchange_party *p, const veld_id *case_id)
{
    veld_case *opened;
    veld_buf ids;
    veld_buf_init(&ids, 1 << 20);
    assert_ok(veld_case_open(&p->t.desk, case_id, &opened, NULL));
    assert_ok(veld_sync_doubtful(&p->t.desk, opened, &ids, NULL));
    veld_case_close(opened);
    size_t count = ids.len / VELD_HASH_BYTES;
    veld_buf_release(&ids);
    return count;
}

void exchange_smuggle(exchange_world *w, veld_frame_type kind, const veld_id *case_id,
    const veld_id *device, veld_span bytes)
{
    veld_hash leaf;
    const veld_journal *journal = w->kept;
    veld_journal_item item = {.kind = kind,
        .case_id = *case_id,
        .device = *device,
        .access = true,
        .number = INT64_MAX,
        .len = (uint32_t)bytes.len};
    assert_ok(veld_sha256(bytes, &item.id, NULL));
    assert_ok(journal->begin(journal->context, NULL));
    assert_ok(veld_log_leaf((uint8_t)kind, &item.id, &leaf, NULL));
    uint64_t size = journal->size(journal->context);
    assert_ok(journal->append(journal->context, &item, bytes, NULL));
    assert_ok(veld_log_append(&journal->log, size, &leaf, NULL));
    assert_ok(journal->commit(journal->context, NULL));
}

void exchange_bad_line(exchange_party *p)
{
    veld_buf lost;
    veld_buf_init(&lost, VELD_EXCHANGE_BYTES_MAX);
    for (unsigned bytes = VELD_EXCHANGE_PAGE_BYTES_MAX; bytes > VELD_EXCHANGE_PAGE_BYTES_MIN;
         bytes /= 2) {
        veld_buf_clear(&lost);
        assert_ok(veld_sync_begin(p->sync, 0, &lost, NULL));
        veld_sync_fail(p->sync);
    }
    veld_buf_release(&lost);
}

veld_hash exchange_state(exchange_party *p, const veld_id *case_id)
{
    veld_hash id;
    veld_case *opened;
    assert_ok(veld_case_open(&p->t.desk, case_id, &opened, NULL));
    assert_ok(veld_case_state_id(opened, &id, NULL));
    veld_case_close(opened);
    return id;
}

uint64_t exchange_unsent(exchange_party *p)
{
    uint64_t count;
    assert_ok(veld_store_count_unsent(p->t.store, NULL, &count, NULL));
    return count;
}
