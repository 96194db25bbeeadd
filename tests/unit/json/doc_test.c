/* Reading a document: every getter, memory that runs out anywhere, and plaintext that is gone. */
#include "veld_test.h"

#include <stdlib.h>
#include <string.h>

#include "test_env.h"
#include "veldkit/env.h"
#include "veldkit/json.h"

static veld_json_doc *parse(const char *text, veld_json_rules rules)
{
    veld_json_doc *doc = NULL;
    veld_error err;
    assert_ok(veld_json_parse(veld_span_text(text), rules, &doc, NULL, &err));
    assert_non_null(doc);
    return doc;
}

static void values_are_read_as_they_are(void **state)
{
    (void)state;
    veld_json_doc *doc = parse("{\"a\":[1,-2,9007199254740991,-9007199254740991],\"A\":\"x\\u20ac"
                               "\\n\",\"t\":true,\"f\":false,\"n\":null,\"o\":{},\"\":0}",
        VELD_JSON_STRICT);
    const veld_json_value *root = veld_json_root(doc);
    assert_int_equal(veld_json_type_of(root), VELD_JSON_TYPE_OBJECT);
    assert_int_equal(veld_json_count(root), 7);
    const veld_json_value *array = veld_json_get(root, "a");
    assert_int_equal(veld_json_type_of(array), VELD_JSON_TYPE_ARRAY);
    int64_t integer = 0;
    assert_true(veld_json_integer(veld_json_at(array, 0), &integer));
    assert_int_equal(integer, 1);
    assert_true(veld_json_integer(veld_json_at(array, 2), &integer));
    assert_true(integer == VELD_JSON_INTEGER_MAX);
    assert_true(veld_json_integer(veld_json_at(array, 3), &integer));
    assert_true(integer == VELD_JSON_INTEGER_MIN);
    assert_null(veld_json_at(array, 4));

    veld_span text = {0};
    assert_true(veld_json_text(veld_json_get(root, "A"), &text));
    assert_true(veld_span_equal(text, veld_span_text("x\xE2\x82\xAC\n")));
    assert_int_equal(text.data[text.len], 0);
    assert_false(veld_json_text(array, &text));
    assert_false(veld_json_integer(veld_json_get(root, "A"), &integer));
    bool boolean = false;
    assert_true(veld_json_boolean(veld_json_get(root, "t"), &boolean));
    assert_true(boolean);
    assert_true(veld_json_boolean(veld_json_get(root, "f"), &boolean));
    assert_false(boolean);
    assert_true(veld_json_is_null(veld_json_get(root, "n")));
    assert_int_equal(veld_json_count(veld_json_get(root, "o")), 0);
    assert_non_null(veld_json_get(root, ""));
    assert_null(veld_json_get(root, "T"));
    assert_null(veld_json_get(array, "a"));
    assert_null(veld_json_at(root, 0));
    veld_json_doc_free(doc);
}

static void members_come_in_the_order_of_the_document(void **state)
{
    (void)state;
    veld_json_doc *doc = parse("{\"b\":1,\"a\":[2,3],\"c\":4}", VELD_JSON_IJSON);
    char names[8] = "";
    size_t at = 0;
    const veld_json_value *v = veld_json_first(veld_json_root(doc));
    for (; v != NULL; v = veld_json_next(v))
        names[at++] = (char)veld_json_name(v).data[0];
    assert_string_equal(names, "bac");
    assert_int_equal(veld_json_name(veld_json_root(doc)).len, 0);
    assert_int_equal(
        veld_json_name(veld_json_first(veld_json_get(veld_json_root(doc), "a"))).len, 0);
    veld_json_doc_free(doc);
}

static void nothing_has_no_value(void **state)
{
    (void)state;
    int64_t integer;
    bool boolean;
    veld_span text;
    assert_null(veld_json_root(NULL));
    assert_int_equal(veld_json_type_of(NULL), VELD_JSON_TYPE_NONE);
    assert_null(veld_json_get(veld_json_get(NULL, "a"), "b"));
    assert_null(veld_json_at(NULL, 0));
    assert_null(veld_json_first(NULL));
    assert_null(veld_json_next(NULL));
    assert_int_equal(veld_json_count(NULL), 0);
    assert_int_equal(veld_json_name(NULL).len, 0);
    assert_false(veld_json_integer(NULL, &integer));
    assert_false(veld_json_boolean(NULL, &boolean));
    assert_false(veld_json_text(NULL, &text));
    assert_false(veld_json_is_null(NULL));
    veld_json_doc_free(NULL);
}

static void fractions_are_told_apart(void **state)
{
    (void)state;
    veld_json_doc *doc = parse("[1.5,1e3,-0.0,1e300,9007199254740993.0]", VELD_JSON_IJSON);
    const veld_json_value *root = veld_json_root(doc);
    int64_t integer = 7;
    assert_int_equal(veld_json_type_of(veld_json_at(root, 0)), VELD_JSON_TYPE_FRACTION);
    assert_false(veld_json_integer(veld_json_at(root, 0), &integer));
    assert_int_equal(integer, 7);
    assert_true(veld_json_integer(veld_json_at(root, 1), &integer));
    assert_int_equal(integer, 1000);
    assert_true(veld_json_integer(veld_json_at(root, 2), &integer));
    assert_int_equal(integer, 0);
    assert_int_equal(veld_json_type_of(veld_json_at(root, 3)), VELD_JSON_TYPE_FRACTION);
    assert_int_equal(veld_json_type_of(veld_json_at(root, 4)), VELD_JSON_TYPE_FRACTION);
    veld_json_doc_free(doc);
    for (veld_json_type t = VELD_JSON_TYPE_NONE; t <= VELD_JSON_TYPE_OBJECT; t++)
        assert_non_null(veld_json_type_name(t));
}

static void refused_document_gives_nothing(void **state)
{
    (void)state;
    veld_json_doc *doc = (veld_json_doc *)(void *)&state;
    veld_json_errors errors;
    veld_json_errors_init(&errors);
    assert_int_equal(veld_json_parse(veld_span_text("[1.0,{\"a\":1,\"a\":2}]"), VELD_JSON_STRICT,
                         &doc, &errors, NULL),
        VELD_E_FORM);
    assert_null(doc);
    assert_int_equal(errors.count, 2);
    veld_json_errors_release(&errors);
    assert_int_equal(
        veld_json_parse(veld_span_text("[1, 2]"), VELD_JSON_CANONICAL, &doc, NULL, NULL),
        VELD_E_FORM);
    assert_int_equal(
        veld_json_parse((veld_span){0}, VELD_JSON_STRICT, &doc, NULL, NULL), VELD_E_FORM);
}

/* Everything that allocates, once. */
static veld_status read_and_write(veld_buf *out)
{
    static const char text[] =
        "{\"z\":[1,2,{\"b\":\"text that is longer than a node of the tree is, to be sure of it\"}],"
        "\"a\":{\"k25\":0,\"k24\":1,\"k23\":2,\"k22\":3},\"\\u0062\":null}";
    veld_json_doc *doc = NULL;
    veld_json_writer writer = {0};
    veld_status status = VELD_OK;
    VELD_TRY(veld_json_parse(veld_span_text(text), VELD_JSON_STRICT, &doc, NULL, NULL));
    VELD_TRY(veld_json_canonical(veld_json_root(doc), out, NULL));
    veld_json_writer_init(&writer, out);
    veld_json_writer_object_begin(&writer);
    veld_json_writer_name(&writer, "y");
    veld_json_writer_value(&writer, veld_json_root(doc));
    veld_json_writer_name(&writer, "x");
    veld_json_writer_text(&writer, "t");
    veld_json_writer_object_end(&writer);
    VELD_TRY(veld_json_writer_finish(&writer, NULL));
done:
    veld_json_writer_release(&writer);
    veld_json_doc_free(doc);
    return status;
}

static void memory_may_run_out_anywhere(void **state)
{
    (void)state;
    veld_buf expected;
    veld_buf_init(&expected, 4096);
    test_fail_allocation(0, false);
    assert_ok(read_and_write(&expected));
    uint64_t allocations = test_fail_allocation(0, false);
    assert_true(allocations > 8);
    for (int forever = 0; forever < 2; forever++) {
        for (uint64_t n = 1; n <= allocations; n++) {
            veld_buf out;
            veld_buf_init(&out, 4096);
            test_fail_allocation(n, forever == 1);
            veld_status status = read_and_write(&out);
            test_fail_allocation(0, false);
            assert_int_equal(status, VELD_E_MEMORY);
            veld_buf_release(&out);
        }
    }
    veld_buf_release(&expected);
}

/* ---- plaintext is gone when it is given back ---- */

static const char canary[] = "Zilvermeeuw-7341";
enum { BLOCKS_MAX = 4096, HEADER = 16 };
static unsigned found;

static void look_for_canary(const unsigned char *block, size_t len)
{
    for (size_t i = 0; i + sizeof canary - 1 <= len; i++)
        found += memcmp(block + i, canary, sizeof canary - 1) == 0;
}

static void *watching_allocate(size_t bytes)
{
    unsigned char *block = malloc(bytes + HEADER);
    if (block == NULL)
        return NULL;
    memcpy(block, &bytes, sizeof bytes);
    return block + HEADER;
}

static void watching_release(void *block)
{
    unsigned char *start = (unsigned char *)block - HEADER;
    size_t bytes;
    memcpy(&bytes, start, sizeof bytes);
    look_for_canary(block, bytes);
    free(start);
}

static void *watching_resize(void *block, size_t bytes)
{
    void *grown = watching_allocate(bytes);
    if (grown == NULL || block == NULL)
        return grown;
    size_t old;
    memcpy(&old, (unsigned char *)block - HEADER, sizeof old);
    memcpy(grown, block, old < bytes ? old : bytes);
    watching_release(block);
    return grown;
}

static void plaintext_is_wiped(void **state)
{
    (void)state;
    static const veld_allocator watching = {watching_allocate, watching_resize, watching_release};
    char text[256];
    snprintf(
        text, sizeof text, "{\"%s\":[\"%s\"],\"a\":{\"b\":\"\\u0041%s\"}}", canary, canary, canary);
    veld_allocator_set(&watching);
    veld_buf out;
    veld_buf_init(&out, 4096);
    veld_json_doc *doc = parse(text, VELD_JSON_STRICT);
    veld_json_writer writer;
    veld_json_writer_init(&writer, &out);
    veld_json_writer_object_begin(&writer);
    veld_json_writer_name(&writer, canary);
    veld_json_writer_value(&writer, veld_json_root(doc));
    veld_json_writer_name(&writer, "A");
    veld_json_writer_text(&writer, canary);
    veld_json_writer_object_end(&writer);
    assert_ok(veld_json_writer_finish(&writer, NULL));
    assert_int_equal(found, 0);
    look_for_canary(out.data, out.len);
    assert_int_equal(found, 5);
    found = 0;

    veld_json_writer_init(&writer, &out);
    veld_json_writer_object_begin(&writer);
    veld_json_writer_name(&writer, canary);
    veld_json_writer_text(&writer, canary);
    size_t len = out.len;
    veld_json_writer_release(&writer);
    assert_true(out.len < len);
    look_for_canary(out.data + out.len, out.capacity - out.len);

    veld_json_doc_free(doc);
    snprintf(text, sizeof text, "{\"%s\":1,\"%s\":2}", canary, canary);
    veld_json_errors errors;
    veld_json_errors_init(&errors);
    assert_int_equal(
        veld_json_parse(veld_span_text(text), VELD_JSON_STRICT, &doc, &errors, NULL), VELD_E_FORM);
    assert_non_null(strstr(errors.items[0].pointer, canary));
    veld_json_errors_release(&errors);
    veld_buf_wipe(&out);
    veld_allocator_set(NULL);
    assert_int_equal(found, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read_as_they_are),
        cmocka_unit_test(members_come_in_the_order_of_the_document),
        cmocka_unit_test(nothing_has_no_value),
        cmocka_unit_test(fractions_are_told_apart),
        cmocka_unit_test(refused_document_gives_nothing),
        cmocka_unit_test(memory_may_run_out_anywhere),
        cmocka_unit_test(plaintext_is_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
