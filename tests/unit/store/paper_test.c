/* A key on paper: what was written is read, whatever hand typed it; what is not right is refused,
 * with the line it is on. */
#include "veld_test.h"

#include <stdio.h>
#include <string.h>

#include "test_env.h"
#include "veldkit/crypto.h"
#include "veldkit/paper.h"

typedef struct sheet {
    test_env world;
    veld_p256_private key;
    veld_buf text;
    char words[VELD_PAPER_LINES][VELD_PAPER_WORDS][16];
} sheet;

static int make(void **state)
{
    static sheet s;
    s = (sheet){0};
    test_env_init(&s.world, 5);
    veld_buf_init(&s.text, VELD_PAPER_TEXT_MAX);
    if (veld_crypto_init(NULL) != VELD_OK ||
        veld_p256_generate(&s.world.env, &s.key, NULL) != VELD_OK ||
        veld_paper_write(VELD_PAPER_ROOT, &s.key, &s.text, NULL) != VELD_OK)
        return -1;
    const char *text = NULL;
    if (veld_buf_text(&s.text, &text) != VELD_OK)
        return -1;
    for (int line = 0; line < VELD_PAPER_LINES; line++) {
        char(*w)[16] = s.words[line];
        int number = 0;
        if (sscanf(text, "%d. %15s %15s %15s %15s %15s", &number, w[0], w[1], w[2], w[3], w[4]) !=
                6 ||
            number != line + 1)
            return -1;
        text = strchr(text, '\n') + 1;
    }
    *state = &s;
    return *text == '\0' ? 0 : -1;
}

static int drop(void **state)
{
    sheet *s = *state;
    veld_buf_wipe(&s->text);
    veld_p256_release(&s->key);
    return 0;
}

static veld_status typed(const char *text, veld_error *err)
{
    veld_p256_private key = {0};
    veld_paper_kind kind;
    veld_status status = veld_paper_read(veld_span_text(text), &kind, &key, err);
    veld_p256_release(&key);
    return status;
}

static void join(const sheet *s, char out[VELD_PAPER_TEXT_MAX + 1])
{
    size_t at = 0;
    for (int line = 0; line < VELD_PAPER_LINES; line++) {
        for (int word = 0; word < VELD_PAPER_WORDS; word++)
            at += (size_t)snprintf(
                out + at, VELD_PAPER_TEXT_MAX + 1 - at, "%s ", s->words[line][word]);
        out[at - 1] = '\n';
    }
}

static void what_was_written_is_read(void **state)
{
    sheet *s = *state;
    veld_p256_private key = {0};
    veld_paper_kind kind;
    char text[VELD_PAPER_TEXT_MAX + 1];
    assert_ok(veld_paper_read(veld_buf_span(&s->text), &kind, &key, NULL));
    assert_int_equal(kind, VELD_PAPER_ROOT);
    assert_true(veld_span_equal(veld_secret_span(&key.scalar), veld_secret_span(&s->key.scalar)));
    veld_p256_release(&key);
    join(s, text); /* without numbers */
    for (size_t i = 0; text[i] != '\0'; i += 3)
        if (text[i] >= 'a' && text[i] <= 'z')
            text[i] = (char)(text[i] - 0x20);
    assert_ok(typed(text, NULL));
}

/* Each word in turn is another word of the list: the line is named. */
static void another_word_is_found_on_its_line(void **state)
{
    sheet *s = *state;
    veld_error err;
    char text[VELD_PAPER_TEXT_MAX + 1], place[24], kept[16];
    static const char *const others[] = {"aanbod", "egel", "zuil", "film"};
    for (int line = 0; line < VELD_PAPER_LINES; line++) {
        for (int word = 0; word < VELD_PAPER_WORDS; word++) {
            memcpy(kept, s->words[line][word], sizeof kept);
            for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
                if (strcmp(others[i], kept) == 0)
                    continue;
                (void)snprintf(s->words[line][word], 16, "%s", others[i]);
                join(s, text);
                (void)snprintf(place, sizeof place, "regel %d", line + 1);
                assert_int_equal(typed(text, &err), VELD_E_FORM);
                if (strstr(err.text, place) == NULL)
                    fail_msg("line %d, word %d: %s", line + 1, word + 1, err.text);
            }
            memcpy(s->words[line][word], kept, sizeof kept);
        }
    }
}

static void a_word_that_is_none_is_named_by_its_place_only(void **state)
{
    sheet *s = *state;
    veld_error err;
    char text[VELD_PAPER_TEXT_MAX + 1];
    (void)snprintf(s->words[3][1], 16, "qwertyqwerty");
    join(s, text);
    assert_int_equal(typed(text, &err), VELD_E_FORM);
    assert_non_null(strstr(err.text, "regel 4, woord 2"));
    assert_null(strstr(err.text, "qwerty"));
}

static void swapped_lines_a_missing_word_and_too_much_are_refused(void **state)
{
    sheet *s = *state;
    veld_error err;
    char text[2 * VELD_PAPER_TEXT_MAX + 2], swap[VELD_PAPER_WORDS][16];
    memcpy(swap, s->words[1], sizeof swap);
    memcpy(s->words[1], s->words[2], sizeof swap);
    memcpy(s->words[2], swap, sizeof swap);
    join(s, text);
    assert_int_equal(typed(text, &err), VELD_E_FORM);
    assert_non_null(strstr(err.text, "regel 2"));
    memcpy(s->words[2], s->words[1], sizeof swap);
    memcpy(s->words[1], swap, sizeof swap);
    join(s, text);
    assert_ok(typed(text, &err));
    memcpy(text + strlen(text), "aanbod\n", sizeof "aanbod\n");
    assert_int_equal(typed(text, &err), VELD_E_FORM);
    join(s, text);
    *strrchr(text, ' ') = '\0';
    assert_int_equal(typed(text, &err), VELD_E_FORM);
    assert_non_null(strstr(err.text, "regel 7 heeft 4 woorden"));
    assert_int_equal(typed("", &err), VELD_E_FORM);
    memset(text, '\n', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_int_equal(typed(text, &err), VELD_E_LIMIT);
}

static void the_kind_of_key_is_part_of_it(void **state)
{
    sheet *s = *state;
    veld_buf text;
    veld_p256_private key = {0};
    veld_paper_kind kind;
    veld_buf_init(&text, VELD_PAPER_TEXT_MAX);
    assert_ok(veld_paper_write(VELD_PAPER_RECOVERY, &s->key, &text, NULL));
    assert_false(veld_span_equal(veld_buf_span(&text), veld_buf_span(&s->text)));
    assert_ok(veld_paper_read(veld_buf_span(&text), &kind, &key, NULL));
    assert_int_equal(kind, VELD_PAPER_RECOVERY);
    veld_p256_release(&key);
    veld_buf_wipe(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_written_is_read, make, drop),
        cmocka_unit_test_setup_teardown(another_word_is_found_on_its_line, make, drop),
        cmocka_unit_test_setup_teardown(a_word_that_is_none_is_named_by_its_place_only, make, drop),
        cmocka_unit_test_setup_teardown(
            swapped_lines_a_missing_word_and_too_much_are_refused, make, drop),
        cmocka_unit_test_setup_teardown(the_kind_of_key_is_part_of_it, make, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
