/* Random values, written by hand in any order and with any escapes, and through the writer in
 * another order: the canonical form is the same, passes the strictest gate, and reading and writing
 * it again changes nothing. */
#include "veld_test.h"

#include <stdlib.h>
#include <string.h>

#include "test_env.h"
#include "veldkit/json.h"

enum { VALUES = 3000, CHILDREN_MAX = 30, TEXT_POINTS_MAX = 12, DEPTH = 4, OUT_MAX = 8 << 20 };

typedef struct node {
    veld_json_type type;
    int64_t integer;
    bool boolean;
    uint32_t text[TEXT_POINTS_MAX];
    size_t text_len;
    size_t count;
    struct node **children;
    uint32_t (*names)[TEXT_POINTS_MAX];
    size_t *name_lens;
} node;

static test_env world;

static uint64_t below(uint64_t bound)
{
    return test_env_number(&world, bound);
}

static uint32_t random_point(void)
{
    static const uint32_t corners[] = {1, 0x1F, 0x20, '"', '\\', '/', 0x7F, 0x80, 0x7FF, 0x800,
        0x2028, 0xD7FF, 0xE000, 0xFB33, 0xFFFD, 0x10000, 0x1F602, 0x10FFFD};
    switch (below(4)) {
    case 0:
        return corners[below(sizeof corners / sizeof *corners)];
    case 1:
        return (uint32_t)(1 + below(0x1F));
    default:
        return (uint32_t)(0x20 + below(0x5F));
    }
}

static size_t random_text(uint32_t *text, size_t least)
{
    size_t len = least + below(TEXT_POINTS_MAX - least);
    for (size_t i = 0; i < len; i++)
        text[i] = random_point();
    return len;
}

static int64_t random_integer(void)
{
    int64_t limit = INT64_C(1) << below(54);
    int64_t value = (int64_t)below((uint64_t)limit);
    return below(2) ? value : -value;
}

static node *random_value(unsigned depth)
{
    static const veld_json_type types[] = {VELD_JSON_TYPE_NULL, VELD_JSON_TYPE_BOOLEAN,
        VELD_JSON_TYPE_INTEGER, VELD_JSON_TYPE_TEXT, VELD_JSON_TYPE_ARRAY, VELD_JSON_TYPE_OBJECT};
    node *n = calloc(1, sizeof *n);
    assert_non_null(n);
    n->type = depth == DEPTH ? VELD_JSON_TYPE_OBJECT : types[below(depth > 0 ? 6 : 4)];
    n->boolean = below(2) == 1;
    n->integer = random_integer();
    n->text_len = random_text(n->text, 0);
    if (n->type != VELD_JSON_TYPE_ARRAY && n->type != VELD_JSON_TYPE_OBJECT)
        return n;
    n->count = below(below(8) == 0 ? CHILDREN_MAX : 5);
    n->children = calloc(n->count + 1, sizeof *n->children);
    n->names = calloc(n->count + 1, sizeof *n->names);
    n->name_lens = calloc(n->count + 1, sizeof *n->name_lens);
    assert_true(n->children != NULL && n->names != NULL && n->name_lens != NULL);
    for (size_t i = 0; i < n->count; i++) {
        n->children[i] = random_value(depth - 1);
        n->name_lens[i] = random_text(n->names[i], 1);
        /* One character of each name is its own, at a random place. */
        n->names[i][below(n->name_lens[i])] = (uint32_t)(0x3041 + i);
    }
    return n;
}

static void free_value(node *n)
{
    for (size_t i = 0; i < n->count; i++)
        free_value(n->children[i]);
    free(n->children);
    free(n->names);
    free(n->name_lens);
    free(n);
}

static void put_utf8(veld_buf *out, uint32_t p)
{
    uint8_t bytes[4];
    size_t len = 1;
    if (p < 0x80) {
        bytes[0] = (uint8_t)p;
    } else {
        len = p < 0x800 ? 2 : (p < 0x10000 ? 3 : 4);
        for (size_t i = len; i-- > 1; p >>= 6)
            bytes[i] = (uint8_t)(0x80 | (p & 0x3F));
        bytes[0] = (uint8_t)((0xF00U >> len) | p);
    }
    assert_ok(veld_buf_append(out, bytes, len));
}

static void put_text(veld_buf *out, const uint32_t *text, size_t len)
{
    assert_ok(veld_buf_append_byte(out, '"'));
    for (size_t i = 0; i < len; i++) {
        uint32_t p = text[i];
        bool must_escape = p < 0x20 || p == '"' || p == '\\';
        if (!must_escape && below(3) != 0)
            put_utf8(out, p);
        else if (p == '/' || p == '"' || p == '\\')
            assert_ok(veld_buf_append_format(out, "\\%c", (char)p));
        else if (p == '\n' && below(2) == 0)
            assert_ok(veld_buf_append_text(out, "\\n"));
        else if (p < 0x10000)
            assert_ok(veld_buf_append_format(out, below(2) ? "\\u%04x" : "\\u%04X", p));
        else
            assert_ok(veld_buf_append_format(out, "\\u%04x\\u%04x", 0xD800 + ((p - 0x10000) >> 10),
                0xDC00 + ((p - 0x10000) & 0x3FF)));
    }
    assert_ok(veld_buf_append_byte(out, '"'));
}

static void put_space(veld_buf *out)
{
    while (below(4) == 0)
        assert_ok(veld_buf_append_byte(out, (uint8_t) " \t\r\n"[below(4)]));
}

static void shuffle(size_t *order, size_t count)
{
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    for (size_t i = count; i > 1; i--) {
        size_t j = below(i);
        size_t moved = order[j];
        order[j] = order[i - 1];
        order[i - 1] = moved;
    }
}

/* As somebody else could write it. */
static void put_value(veld_buf *out, const node *n)
{
    put_space(out);
    switch (n->type) {
    case VELD_JSON_TYPE_BOOLEAN:
        assert_ok(veld_buf_append_text(out, n->boolean ? "true" : "false"));
        break;
    case VELD_JSON_TYPE_INTEGER:
        assert_ok(veld_buf_append_format(out, "%lld", (long long)n->integer));
        break;
    case VELD_JSON_TYPE_TEXT:
        put_text(out, n->text, n->text_len);
        break;
    case VELD_JSON_TYPE_ARRAY:
    case VELD_JSON_TYPE_OBJECT: {
        bool object = n->type == VELD_JSON_TYPE_OBJECT;
        size_t order[CHILDREN_MAX];
        shuffle(order, n->count);
        assert_ok(veld_buf_append_byte(out, object ? '{' : '['));
        put_space(out);
        for (size_t i = 0; i < n->count; i++) {
            size_t at = object ? order[i] : i;
            if (i > 0)
                assert_ok(veld_buf_append_byte(out, ','));
            if (object) {
                put_space(out);
                put_text(out, n->names[at], n->name_lens[at]);
                put_space(out);
                assert_ok(veld_buf_append_byte(out, ':'));
            }
            put_value(out, n->children[at]);
        }
        assert_ok(veld_buf_append_byte(out, object ? '}' : ']'));
        break;
    }
    default:
        assert_ok(veld_buf_append_text(out, "null"));
    }
    put_space(out);
}

static veld_buf utf8_of(const uint32_t *text, size_t len)
{
    veld_buf out;
    veld_buf_init(&out, 4 * TEXT_POINTS_MAX + 1);
    for (size_t i = 0; i < len; i++)
        put_utf8(&out, text[i]);
    return out;
}

static void write_value(veld_json_writer *w, const node *n)
{
    veld_buf text = utf8_of(n->text, n->text_len);
    size_t order[CHILDREN_MAX];
    shuffle(order, n->count);
    if (n->type == VELD_JSON_TYPE_BOOLEAN) {
        veld_json_writer_boolean(w, n->boolean);
    } else if (n->type == VELD_JSON_TYPE_INTEGER) {
        veld_json_writer_integer(w, n->integer);
    } else if (n->type == VELD_JSON_TYPE_TEXT) {
        veld_json_writer_text_span(w, veld_buf_span(&text));
    } else if (n->type == VELD_JSON_TYPE_ARRAY) {
        veld_json_writer_array_begin(w);
        for (size_t i = 0; i < n->count; i++)
            write_value(w, n->children[i]);
        veld_json_writer_array_end(w);
    } else if (n->type == VELD_JSON_TYPE_OBJECT) {
        veld_json_writer_object_begin(w);
        for (size_t i = 0; i < n->count; i++) {
            veld_buf name = utf8_of(n->names[order[i]], n->name_lens[order[i]]);
            veld_json_writer_name_span(w, veld_buf_span(&name));
            write_value(w, n->children[order[i]]);
            veld_buf_release(&name);
        }
        veld_json_writer_object_end(w);
    } else {
        veld_json_writer_null(w);
    }
    veld_buf_release(&text);
}

static veld_buf canonical_of(veld_span text, veld_json_rules rules)
{
    veld_json_doc *doc = NULL;
    veld_buf out;
    veld_buf_init(&out, OUT_MAX);
    veld_error err;
    if (veld_json_parse(text, rules, &doc, NULL, &err) != VELD_OK)
        fail_msg("%s", err.text);
    assert_ok(veld_json_canonical(veld_json_root(doc), &out, &err));
    veld_json_doc_free(doc);
    return out;
}

static void canonical_form_is_one(void **state)
{
    (void)state;
    test_env_init(&world, 8785);
    for (unsigned i = 0; i < VALUES; i++) {
        node *value = random_value(DEPTH);
        veld_buf text;
        veld_buf_init(&text, OUT_MAX);
        put_value(&text, value);
        veld_buf written;
        veld_buf_init(&written, OUT_MAX);
        veld_json_writer writer;
        veld_json_writer_init(&writer, &written);
        write_value(&writer, value);
        assert_ok(veld_json_writer_finish(&writer, NULL));

        veld_buf once = canonical_of(veld_buf_span(&text), VELD_JSON_STRICT);
        veld_buf twice = canonical_of(veld_buf_span(&once), VELD_JSON_CANONICAL);
        assert_true(veld_span_equal(veld_buf_span(&once), veld_buf_span(&written)));
        assert_true(veld_span_equal(veld_buf_span(&once), veld_buf_span(&twice)));
        veld_buf_release(&twice);
        veld_buf_release(&once);
        veld_buf_release(&written);
        veld_buf_release(&text);
        free_value(value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_form_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
