/* The laws of the join over random histories: state is a function of the set of changes, and no
 * value disappears that its replacer had not seen. The model is the definition itself, written as
 * two loops over all writes. VELD_HISTORIES sets how many histories are played. */
#include "veld_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "history.h"

static unsigned long histories(void)
{
    const char *text = getenv("VELD_HISTORIES");
    return text != NULL ? strtoul(text, NULL, 10) : 2000;
}

static bool same_field(const veld_write *a, const veld_write *b)
{
    return veld_id_equal(&a->record, &b->record) && veld_span_equal(a->type, b->type) &&
           veld_span_equal(a->field, b->field);
}

/* By definition: does another write on the field name this one? */
static bool model_replaced(const history *h, const veld_write *write)
{
    for (size_t c = 0; c < h->count; c++) {
        for (size_t w = 0; w < h->changes[c]->writes_count; w++) {
            const veld_write *other = &h->changes[c]->writes[w];
            for (size_t i = 0; i < other->replaces_count && same_field(write, other); i++) {
                if (veld_write_id_equal(&other->replaces[i], &write->id))
                    return true;
            }
        }
    }
    return false;
}

static void check_against_model(const history *h, const replica *r)
{
    for (size_t c = 0; c < h->count; c++) {
        for (size_t w = 0; w < h->changes[c]->writes_count; w++) {
            const veld_write *write = &h->changes[c]->writes[w];
            const veld_entry *entry = veld_state_entry_get(r->state, &write->id);
            assert_non_null(entry);
            assert_int_equal(entry->replaced, model_replaced(h, write));
            assert_true(veld_span_equal(entry->value, write->value));
        }
    }
}

static void take_all(history *h, replica *r)
{
    size_t order[HISTORY_CHANGES_MAX];
    history_shuffle(h, order, h->count);
    for (size_t i = 0; i < h->count; i++) {
        replica_take(h, r, order[i]);
        replica_take(h, r, order[test_env_number(&h->world, i + 1)]);
    }
}

static void order_repetition_gaps_and_clones_do_not_matter(void **state)
{
    (void)state;
    unsigned long changes = 0;
    for (unsigned long seed = 1; seed <= histories(); seed++) {
        history h;
        history_play(&h, seed);
        changes += h.count;
        veld_buf first, text;
        veld_buf_init(&first, 1 << 20);
        veld_buf_init(&text, 1 << 20);
        for (size_t i = 0; i < h.replicas_count; i++) {
            take_all(&h, &h.replicas[i]);
            veld_buf_clear(&text);
            replica_text(&h.replicas[i], i == 0 ? &first : &text);
            if (i > 0 && !veld_span_equal(veld_buf_span(&first), veld_buf_span(&text)))
                fail_msg("seed %lu: replica 0 and %zu differ", seed, i);
        }
        if (seed % 16 == 0)
            check_against_model(&h, &h.replicas[0]);
        veld_buf_release(&first);
        veld_buf_release(&text);
        history_release(&h);
    }
    print_message("%lu histories, %lu changes\n", histories(), changes);
}

static void check_graph(history *h, replica *r)
{
    size_t count;
    assert_int_equal(veld_graph_count(r->graph), h->count);
    assert_int_equal(veld_graph_incomplete_count(r->graph), 0);
    assert_non_null(veld_graph_missing(r->graph, &count));
    assert_int_equal(count, 0);
    const veld_node *const *order = veld_graph_order(r->graph, &count);
    assert_non_null(order);
    assert_int_equal(count, h->count);
    const veld_node *const *heads = veld_graph_heads(r->graph, &count);
    assert_true(heads != NULL && (count > 0 || h->count == 0));
    for (size_t i = 0; i < h->count; i++) {
        for (size_t p = 0; p < order[i]->parents_count; p++) {
            bool before = false;
            for (size_t j = 0; j < i; j++)
                before = before || order[j] == order[i]->parents[p];
            assert_true(before);
            for (size_t j = 0; j < count; j++)
                assert_ptr_not_equal(heads[j], order[i]->parents[p]);
        }
    }
    size_t held = 0;
    size_t chains;
    const veld_holding *holdings = veld_graph_holdings(r->graph, &chains);
    for (size_t i = 0; i < chains; i++)
        held += (size_t)holdings[i].upto + holdings[i].extra_count;
    size_t places = 0;
    for (size_t i = 0; i < h->count; i++) {
        bool first = true;
        for (size_t j = 0; j < i; j++)
            first = first && !(h->changes[i]->number == h->changes[j]->number &&
                                 veld_id_equal(&h->changes[i]->device, &h->changes[j]->device));
        places += first;
    }
    assert_int_equal(held, places);
}

static void the_graph_orders_parents_first_and_knows_its_heads(void **state)
{
    (void)state;
    for (unsigned long seed = 1; seed <= histories() / 20; seed++) {
        history h;
        history_play(&h, seed);
        replica late;
        replica_new(&h, &late);
        take_all(&h, &late);
        check_graph(&h, &late);
        replica_free(&late);
        history_release(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_repetition_gaps_and_clones_do_not_matter),
        cmocka_unit_test(the_graph_orders_parents_first_and_knows_its_heads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
