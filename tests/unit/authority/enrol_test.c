/* Enrolment: the code as people type it, the whole way of a device, and everybody who is not meant
 * to come in. */
#include "veld_test.h"

#include <stdio.h>
#include <string.h>

#include "test_desk.h"
#include "veldkit/enrol.h"
#include "veldkit/hash.h"
#include "veldkit/limits.h"

static test_keys keys;
static test_desk office_desk, anna, bert;
static veld_p256_private root, carrier;
static veld_buf statement;
static veld_hash ca_hash = {{0xCA, 1, 2, 3, 4, 5, 6}};
static size_t joined_count;

static veld_status issue(void *context, const veld_id *device, const veld_p256_public *key,
    veld_buf *out, veld_error *err)
{
    (void)context;
    (void)key;
    (void)err;
    return veld_buf_append_span(out, veld_id_span(device));
}

static veld_status joined(
    void *context, const veld_directory_entry *device, veld_span entry, veld_error *err)
{
    (void)context;
    (void)err;
    veld_directory_entry read;
    assert_ok(veld_directory_read(
        entry, &office_desk.desk.verifier, &office_desk.card.sign_key, &read, NULL));
    assert_string_equal(read.worker, "");
    assert_string_equal(device->worker, "Anna de Vries");
    joined_count++;
    return VELD_OK;
}

static veld_enrol_office office;

static int open_all(void **state)
{
    (void)state;
    test_desk_open(&office_desk, &keys, 1, "Kantoor");
    test_desk_open(&anna, &keys, 2, "Anna");
    test_desk_open(&bert, &keys, 3, "Bert");
    assert_ok(veld_p256_generate(&anna.world.env, &root, NULL));
    assert_ok(veld_p256_generate(&anna.world.env, &carrier, NULL));
    const veld_agency agency = {
        .id = office_desk.card.device,
        .name = "Veilig Thuis Test",
        .merger_key = office_desk.card.sign_key,
        .seal_key = office_desk.card.seal_key,
        .relay_key = carrier.public_key,
        .ca_hash = ca_hash,
    };
    veld_signer signer = veld_signer_p256(&root);
    veld_buf_init(&statement, VELD_DIRECTORY_BYTES_MAX);
    assert_ok(veld_agency_make(&agency, &signer, &statement, NULL));
    office = (veld_enrol_office){
        .desk = &office_desk.desk,
        .statement = veld_buf_span(&statement),
        .ca = veld_span_text("ca"),
        .issue = issue,
        .joined = joined,
    };
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    test_desk_close(&office_desk);
    test_desk_close(&anna);
    test_desk_close(&bert);
    veld_p256_release(&root);
    veld_p256_release(&carrier);
    veld_buf_release(&statement);
    return 0;
}

static veld_enrol_code invite(bool confirm)
{
    veld_enrol_code code;
    assert_ok(veld_enrol_code_make(
        &office_desk.world.env, "https://127.0.0.1:8443", &ca_hash, &code, NULL));
    assert_ok(veld_enrol_invite(&office_desk.desk, &code, "Anna de Vries", confirm, NULL));
    return code;
}

static veld_buf ask(const veld_enrol_code *code, test_desk *t)
{
    veld_buf request;
    veld_buf_init(&request, VELD_ENROL_REQUEST_BYTES_MAX);
    assert_ok(veld_enrol_request(code, &t->desk, "Anna", &carrier.public_key, &request, NULL));
    return request;
}

static veld_buf answer_to(const veld_buf *request)
{
    veld_buf answer;
    veld_buf_init(&answer, VELD_ENROL_ANSWER_BYTES_MAX);
    assert_ok(veld_enrol_answer(&office, veld_buf_span(request), &answer, NULL));
    return answer;
}

static veld_status accepted(
    const veld_enrol_code *code, test_desk *t, const veld_buf *request, const veld_buf *answer)
{
    veld_enrolled enrolled;
    return veld_enrol_accept(
        code, &t->desk, veld_buf_span(request), veld_buf_span(answer), &enrolled, NULL);
}

static void a_code_is_read_as_people_type_it(void **state)
{
    (void)state;
    char text[VELD_ENROL_CODE_SIZE], typed[2 * VELD_ENROL_CODE_SIZE] = "  ";
    veld_enrol_code code = invite(false), read;
    veld_enrol_code_format(&code, text);
    const char *mark = strchr(text, '#');
    assert_int_equal(strlen(mark + 1), VELD_ENROL_SIGNS);
    size_t at = 2 + (size_t)(mark + 1 - text);
    memcpy(typed + 2, text, at - 2);
    for (size_t i = 0; i < VELD_ENROL_SIGNS; i++) {
        char sign = mark[1 + i];
        if (i > 0 && i % 4 == 0)
            typed[at++] = i % 8 == 0 ? ' ' : '-';
        typed[at++] = sign == '0' ? 'o' : sign == '1' ? 'l' : (char)(sign | 0x20 * (sign > '9'));
    }
    assert_ok(veld_enrol_code_parse(veld_span_text(typed), &read, NULL));
    assert_memory_equal(&read, &code, sizeof code);
    assert_true(veld_enrol_code_fits_ca(&read, &ca_hash));
    assert_int_equal(veld_enrol_code_parse(veld_span_text("https://x"), &read, NULL), VELD_E_FORM);
    text[strlen(text) - 1] = 0;
    assert_int_equal(veld_enrol_code_parse(veld_span_text(text), &read, NULL), VELD_E_FORM);
    assert_int_equal(veld_enrol_code_parse(veld_span_text("#"), &read, NULL), VELD_E_INVALID);
}

static void a_device_comes_in_once(void **state)
{
    (void)state;
    size_t before = joined_count;
    veld_enrolled enrolled;
    veld_agency agency;
    veld_directory_entry entry;
    veld_enrol_code code = invite(false);
    veld_buf request = ask(&code, &anna);
    veld_buf answer = answer_to(&request);
    printf("enrolment: %zu bytes up, %zu down\n", request.len, answer.len);
    assert_ok(veld_enrol_accept(
        &code, &anna.desk, veld_buf_span(&request), veld_buf_span(&answer), &enrolled, NULL));
    assert_string_equal(enrolled.entry.worker, "Anna de Vries");
    assert_true(veld_span_equal(enrolled.certificate, veld_id_span(&anna.card.device)));
    assert_ok(veld_enrol_keep(&anna.desk, &enrolled, NULL));
    assert_ok(veld_agency_get(anna.store, &anna.desk.verifier, &agency, NULL));
    assert_string_equal(agency.name, "Veilig Thuis Test");
    assert_ok(veld_directory_find(office_desk.store, &anna.card.device, &entry, NULL));
    assert_string_equal(entry.worker, "Anna de Vries");

    veld_buf again = answer_to(&request); /* a lost answer is asked for again */
    assert_true(veld_span_equal(veld_buf_span(&again), veld_buf_span(&answer)));
    assert_int_equal(joined_count, before + 1);
    veld_buf other = ask(&code, &bert); /* a used code */
    veld_buf refused = answer_to(&other);
    assert_int_equal(accepted(&code, &bert, &other, &refused), VELD_E_EXISTS);
    assert_int_equal(accepted(&code, &bert, &other, &answer), VELD_E_FORGED); /* not to him */
    veld_buf_release(&request);
    veld_buf_release(&answer);
    veld_buf_release(&again);
    veld_buf_release(&other);
    veld_buf_release(&refused);
}

static void a_wrong_or_old_code_is_refused(void **state)
{
    (void)state;
    veld_enrol_code code = invite(false);
    veld_enrol_code unknown = code, other_ca = code;
    unknown.secret[0] ^= 1;
    veld_buf request = ask(&unknown, &anna);
    veld_buf answer = answer_to(&request);
    assert_int_equal(accepted(&unknown, &anna, &request, &answer), VELD_E_NOT_FOUND);
    veld_buf_release(&request);
    veld_buf_release(&answer);

    other_ca.ca[0] ^= 1; /* the same secret: the MAC covers the CA too */
    request = ask(&other_ca, &anna);
    answer = answer_to(&request);
    assert_int_equal(accepted(&other_ca, &anna, &request, &answer), VELD_E_FORGED);
    veld_buf_release(&request);
    veld_buf_release(&answer);

    test_env_advance(&office_desk.world, VELD_ENROL_CODE_MS + 1);
    request = ask(&code, &anna);
    answer = answer_to(&request);
    assert_int_equal(accepted(&code, &anna, &request, &answer), VELD_E_STALE);
    veld_buf_release(&request);
    veld_buf_release(&answer);
}

static void a_statement_of_another_ca_is_refused(void **state)
{
    (void)state;
    veld_enrol_code code;
    const veld_hash other = {{9}};
    assert_ok(veld_enrol_code_make(&office_desk.world.env, "https://x", &other, &code, NULL));
    assert_ok(veld_enrol_invite(&office_desk.desk, &code, "Anna de Vries", false, NULL));
    veld_buf request = ask(&code, &anna);
    veld_buf answer = answer_to(&request);
    assert_int_equal(accepted(&code, &anna, &request, &answer), VELD_E_WRONG_DEVICE);
    veld_buf_release(&request);
    veld_buf_release(&answer);
}

static veld_status find_waiting(void *context, const veld_invitation *one, veld_error *err)
{
    (void)err;
    if (one->state == VELD_INVITATION_WAITING)
        *(veld_invitation *)context = *one;
    return VELD_OK;
}

/* As it is read out and typed; and each sign changed, one too few, one too many. */
static void no_other_check_code_fits(const char *check)
{
    char typed[2 * VELD_ENROL_CHECK_SIZE];
    const char none[VELD_ENROL_CHECK_SIZE] = "";
    const size_t len = strlen(check);
    size_t at = 0;
    for (size_t i = 0; i < len; i++) {
        if (check[i] == '-')
            continue;
        typed[at++] = (char)(check[i] >= 'A' ? check[i] - 'A' + 'a' : check[i]);
        typed[at++] = ' ';
    }
    assert_true(veld_enrol_check_fits(veld_span_of(typed, at), check));
    assert_true(veld_enrol_check_fits(veld_span_text(check), check));
    for (size_t i = 0; i < len; i++) {
        memcpy(typed, check, len);
        if (check[i] == '-')
            continue;
        typed[i] = check[i] == '7' ? '8' : '7';
        assert_false(veld_enrol_check_fits(veld_span_of(typed, len), check));
        typed[i] = '?';
        assert_false(veld_enrol_check_fits(veld_span_of(typed, len), check));
        assert_false(veld_enrol_check_fits(veld_span_of(check, i), check));
        /* Four signs say which code is meant; a dash stands behind the fourth. */
        assert_int_equal(veld_enrol_check_begins(veld_span_of(check, i), check), i >= 4);
        assert_false(veld_enrol_check_begins(veld_span_of(typed, len), check));
    }
    memcpy(typed, check, len);
    typed[len] = '7';
    assert_false(veld_enrol_check_fits(veld_span_of(typed, len + 1), check));
    assert_false(veld_enrol_check_fits(veld_span_text(""), check));
    assert_false(veld_enrol_check_begins(veld_span_of(typed, len + 1), check));
    assert_true(veld_enrol_check_begins(veld_span_text(check), check));
    assert_false(veld_enrol_check_fits(veld_span_text(""), none));
    assert_false(veld_enrol_check_begins(veld_span_text(""), none));
}

static void a_person_compares_the_check_codes(void **state)
{
    (void)state;
    char check[VELD_ENROL_CHECK_SIZE];
    for (unsigned approve = 0; approve < 2; approve++) {
        veld_invitation waiting = {0};
        veld_enrol_code code = invite(true);
        veld_buf request = ask(&code, &anna);
        veld_buf answer = answer_to(&request);
        assert_int_equal(answer.len, 0);
        assert_ok(veld_enrol_each(office_desk.store, &waiting, find_waiting, NULL));
        assert_ok(veld_enrol_check_code(code.secret, veld_buf_span(&request), check, NULL));
        assert_string_equal(waiting.check, check);
        no_other_check_code_fits(check);
        veld_buf other = ask(&code, &bert);
        assert_ok(veld_enrol_check_code(code.secret, veld_buf_span(&other), check, NULL));
        assert_string_not_equal(waiting.check, check);
        assert_ok(veld_enrol_decide(&office_desk.desk, &waiting.id, approve == 1, NULL));
        answer = answer_to(&request);
        assert_int_equal(
            accepted(&code, &anna, &request, &answer), approve == 1 ? VELD_OK : VELD_E_NOT_ALLOWED);
        assert_int_equal(
            veld_enrol_decide(&office_desk.desk, &waiting.id, true, NULL), VELD_E_STALE);
        veld_buf_release(&request);
        veld_buf_release(&other);
        veld_buf_release(&answer);
    }
}

/* A relay that swaps anything: every bit of both bodies. */
static void no_bit_can_be_changed_on_the_way(void **state)
{
    (void)state;
    veld_enrol_code code = invite(true);
    veld_buf request = ask(&code, &anna);
    for (size_t bit = 0; bit < 8 * request.len; bit += 7) {
        veld_buf answer;
        veld_buf_init(&answer, VELD_ENROL_ANSWER_BYTES_MAX);
        request.data[bit / 8] = (uint8_t)(request.data[bit / 8] ^ 1u << bit % 8);
        veld_status status = veld_enrol_answer(&office, veld_buf_span(&request), &answer, NULL);
        request.data[bit / 8] = (uint8_t)(request.data[bit / 8] ^ 1u << bit % 8);
        assert_true(status != VELD_OK || answer.len > 0); /* nobody waits for it */
        if (status == VELD_OK)
            assert_int_not_equal(accepted(&code, &anna, &request, &answer), VELD_OK);
        veld_buf_release(&answer);
    }
    veld_buf_release(&request);
    code = invite(false);
    request = ask(&code, &anna);
    veld_buf answer = answer_to(&request);
    for (size_t bit = 0; bit < 8 * answer.len; bit++) {
        answer.data[bit / 8] = (uint8_t)(answer.data[bit / 8] ^ 1u << bit % 8);
        assert_int_not_equal(accepted(&code, &anna, &request, &answer), VELD_OK);
        answer.data[bit / 8] = (uint8_t)(answer.data[bit / 8] ^ 1u << bit % 8);
    }
    assert_ok(accepted(&code, &anna, &request, &answer));
    veld_buf_release(&request);
    veld_buf_release(&answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_code_is_read_as_people_type_it),
        cmocka_unit_test(a_device_comes_in_once),
        cmocka_unit_test(a_wrong_or_old_code_is_refused),
        cmocka_unit_test(a_statement_of_another_ca_is_refused),
        cmocka_unit_test(a_person_compares_the_check_codes),
        cmocka_unit_test(no_bit_can_be_changed_on_the_way),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
