/* Renewal between a tablet and the office: what is signed counts, once, and in order. */
#include "veld_test.h"

#include <string.h>

#include "exchange_world.h"
#include "veldkit/limits.h"
#include "veldkit/renew.h"

static exchange_world w;
static unsigned issued;

static veld_status issue(void *context, const veld_id *device, const veld_p256_public *carrier,
    veld_buf *out, veld_error *err)
{
    (void)context;
    (void)carrier;
    (void)err;
    issued++;
    return veld_buf_append(out, device->bytes, sizeof device->bytes); /* stands for a certificate */
}

static veld_enrol_office office(void)
{
    return (veld_enrol_office){.desk = &w.merger.t.desk, .issue = issue};
}

static veld_buf request_of(
    exchange_party *p, int64_t number, const uint8_t *code, int64_t recovered_utc_ms)
{
    veld_buf request;
    const veld_renew_wish wish = {.carrier = &p->t.card.seal_key,
        .code = code,
        .recovered_utc_ms = recovered_utc_ms,
        .number = number,
        .edition = w.agency.edition};
    veld_buf_init(&request, 4096);
    assert_ok(veld_renew_request(&p->t.desk, &w.agency, &wish, &request, NULL));
    return request;
}

/* What the tablet makes of the office's answer. */
static veld_status exchange(exchange_party *p, const veld_buf *request)
{
    veld_buf answer;
    veld_span certificate = {0};
    const veld_enrol_office by = office();
    veld_buf_init(&answer, VELD_ENROL_ANSWER_BYTES_MAX);
    veld_status status = veld_renew_answer(&by, veld_buf_span(request), &answer, NULL);
    if (status == VELD_OK)
        status = veld_renew_accept(&p->t.desk, &w.agency, veld_buf_span(request),
            veld_buf_span(&answer), &certificate, NULL);
    if (status == VELD_OK)
        assert_memory_equal(certificate.data, p->t.card.device.bytes, VELD_ID_BYTES);
    veld_buf_release(&answer);
    return status;
}

static void assert_code(exchange_party *p, const uint8_t *code)
{
    veld_recovery kept;
    assert_ok(veld_recovery_get(&w.merger.t.desk, &p->t.card.device, &kept, NULL));
    assert_memory_equal(kept.code, code, VELD_RECOVERY_BYTES);
}

static const uint8_t one[VELD_RECOVERY_BYTES] = {1, 2, 3}, two[VELD_RECOVERY_BYTES] = {4, 5, 6};

static void the_office_keeps_the_last_code_that_was_handed_in(void **state)
{
    (void)state;
    exchange_party *p = &w.tablets[0];
    veld_recovery kept;
    assert_int_equal(
        veld_recovery_get(&w.merger.t.desk, &p->t.card.device, &kept, NULL), VELD_E_NOT_FOUND);
    veld_buf first = request_of(p, 10, one, 0), second = request_of(p, 20, two, 77);
    veld_buf third = request_of(p, 30, NULL, 0);
    assert_ok(exchange(p, &first));
    assert_ok(exchange(p, &first)); /* its answer was lost */
    assert_code(p, one);
    assert_ok(exchange(p, &second));
    assert_code(p, two);
    assert_int_equal(exchange(p, &first), VELD_E_STALE); /* who kept it has nothing of it */
    assert_code(p, two);
    assert_ok(exchange(p, &third)); /* a certificate only */
    assert_code(p, two);
    assert_ok(veld_recovery_get(&w.merger.t.desk, &p->t.card.device, &kept, NULL));
    assert_int_equal(kept.recovered_utc_ms, 77);
    veld_buf_release(&first);
    veld_buf_release(&second);
    veld_buf_release(&third);
}

static void every_changed_bit_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    exchange_party *p = &w.tablets[0];
    veld_buf before = request_of(p, 10, one, 0), request = request_of(p, 20, two, 0);
    assert_ok(exchange(p, &before));
    issued = 0;
    for (size_t bit = 0; bit < request.len * 8; bit += 3) {
        request.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        veld_status status = exchange(p, &request);
        assert_true(status == VELD_E_NOT_ALLOWED || status == VELD_E_FORM ||
                    status == VELD_E_LIMIT || status == VELD_E_NEWER || status == VELD_E_FORGED);
        request.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < request.len; len += 3) {
        veld_buf cut = request;
        cut.len = len;
        assert_int_not_equal(exchange(p, &cut), VELD_OK);
    }
    assert_int_equal(issued, 0);
    assert_code(p, one);
    veld_buf_release(&before);
    veld_buf_release(&request);
}

/* One tablet cannot speak for another, and the answer is for one request. */
static void answers_are_the_offices_and_for_one_request(void **state)
{
    (void)state;
    exchange_party *p = &w.tablets[0], *other = &w.tablets[1];
    veld_buf request = request_of(p, 10, one, 0), again = request_of(p, 11, one, 0), answer;
    veld_span certificate;
    const veld_enrol_office by = office();
    veld_buf_init(&answer, VELD_ENROL_ANSWER_BYTES_MAX);
    assert_ok(veld_renew_answer(&by, veld_buf_span(&request), &answer, NULL));
    assert_int_equal(veld_renew_accept(&p->t.desk, &w.agency, veld_buf_span(&again),
                         veld_buf_span(&answer), &certificate, NULL),
        VELD_E_FORGED);
    for (size_t bit = 0; bit < answer.len * 8; bit += 5) {
        answer.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(veld_renew_accept(&p->t.desk, &w.agency, veld_buf_span(&request),
                                 veld_buf_span(&answer), &certificate, NULL),
            VELD_OK);
        answer.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(
        veld_recovery_get(&w.merger.t.desk, &other->t.card.device, &(veld_recovery){0}, NULL),
        VELD_E_NOT_FOUND);
    veld_buf_release(&answer);
    veld_buf_release(&request);
    veld_buf_release(&again);
}

/* Of one tablet that sealed its code to whatever it liked, and one that did as it should. */
static void a_code_that_nobody_opens_stops_no_change_of_the_seal_key(void **state)
{
    (void)state;
    size_t count = 0;
    veld_p256_private next;
    exchange_party *liar = &w.tablets[0], *p = &w.tablets[1];
    veld_store *store = w.merger.t.store;
    const veld_p256_public office_key = w.agency.seal_key;
    w.agency.seal_key = liar->t.card.seal_key;
    veld_buf junk = request_of(liar, 10, one, 0);
    w.agency.seal_key = office_key;
    veld_buf request = request_of(p, 10, two, 0);
    assert_ok(exchange(liar, &junk));
    assert_ok(exchange(p, &request));
    assert_ok(veld_p256_generate(&w.env.env, &next, NULL));
    assert_ok(veld_store_begin(store, NULL));
    assert_ok(veld_store_change_seal_key(store, &next, NULL));
    assert_ok(veld_store_commit(store, NULL));
    assert_ok(veld_recovery_rewrap(&w.merger.t.desk, &count, NULL));
    assert_int_equal(count, 1);
    assert_ok(veld_store_begin(store, NULL));
    assert_ok(veld_store_forget_seal_keys(store, NULL));
    assert_ok(veld_store_commit(store, NULL));
    assert_code(p, two);
    assert_int_equal(
        veld_recovery_get(&w.merger.t.desk, &liar->t.card.device, &(veld_recovery){0}, NULL),
        VELD_E_FORGED);
    veld_p256_release(&next);
    veld_buf_release(&junk);
    veld_buf_release(&request);
}

static void a_code_reads_back_however_it_is_typed(void **state)
{
    (void)state;
    char text[VELD_RECOVERY_CODE_SIZE];
    uint8_t read[VELD_RECOVERY_BYTES], code[VELD_RECOVERY_BYTES];
    for (size_t i = 0; i < sizeof code; i++)
        code[i] = (uint8_t)(37 * i + 200);
    veld_recovery_code_format(code, text);
    assert_int_equal(strlen(text), VELD_RECOVERY_CODE_SIZE - 1);
    assert_ok(veld_recovery_code_parse(veld_span_text(text), read, NULL));
    assert_memory_equal(read, code, sizeof code);
    for (char *c = text; *c != '\0'; c++) {
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + 32);
        if (*c == '-')
            *c = ' ';
        if (*c == '0')
            *c = 'o';
        if (*c == '1')
            *c = 'l';
    }
    assert_ok(veld_recovery_code_parse(veld_span_text(text), read, NULL));
    assert_memory_equal(read, code, sizeof code);
    text[3] = '\0';
    assert_int_equal(veld_recovery_code_parse(veld_span_text(text), read, NULL), VELD_E_FORM);
}

static int open_world(void **state)
{
    (void)state;
    exchange_world_open(&w, 2, 21);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    exchange_world_close(&w);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            the_office_keeps_the_last_code_that_was_handed_in, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            every_changed_bit_is_refused_and_changes_nothing, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            answers_are_the_offices_and_for_one_request, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            a_code_that_nobody_opens_stops_no_change_of_the_seal_key, open_world, close_world),
        cmocka_unit_test(a_code_reads_back_however_it_is_typed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
