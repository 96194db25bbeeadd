/* Documents of several threads do not touch each other, from the very first parse on; one document
 * may be read by several threads. Of most use under the thread sanitizer. */
#include "veld_test.h"

#include <pthread.h>

#include "veldkit/json.h"

enum { THREADS = 4, ROUNDS = 200 };

static const char text[] = "{\"b\":[1,2,{\"c\":\"text\"}],\"a\":true}";
static const char canonical[] = "{\"a\":true,\"b\":[1,2,{\"c\":\"text\"}]}";

static bool write_is_right(const veld_json_value *root)
{
    veld_buf out;
    veld_buf_init(&out, 1024);
    bool right = veld_json_canonical(root, &out, NULL) == VELD_OK &&
                 veld_span_equal(veld_buf_span(&out), veld_span_text(canonical));
    veld_buf_release(&out);
    return right;
}

static void *work(void *shared)
{
    for (int i = 0; i < ROUNDS; i++) {
        veld_json_doc *doc = NULL;
        if (veld_json_parse(veld_span_text(text), VELD_JSON_STRICT, &doc, NULL, NULL) != VELD_OK)
            return NULL;
        bool right = write_is_right(veld_json_root(doc));
        if (shared != NULL)
            right = right && write_is_right(veld_json_root(shared));
        veld_json_doc_free(doc);
        if (!right)
            return NULL;
    }
    static char done; /* any address but NULL */
    return &done;
}

static void run_threads(void *shared)
{
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, shared), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
    }
}

static void threads_do_not_touch_each_other(void **state)
{
    (void)state;
    run_threads(NULL);
    veld_json_doc *doc = NULL;
    assert_ok(veld_json_parse(veld_span_text(text), VELD_JSON_STRICT, &doc, NULL, NULL));
    run_threads(doc);
    veld_json_doc_free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_touch_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
