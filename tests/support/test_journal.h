/* test_journal.h: a journal in memory, for tests and the simulator. */
#ifndef TEST_JOURNAL_H
#define TEST_JOURNAL_H

#include "veldkit/journal.h"

typedef struct test_journal_entry {
    veld_journal_item item;
    veld_buf bytes;
} test_journal_entry;

typedef struct test_journal {
    veld_journal journal; /* do not move the struct */
    test_journal_entry *entries;
    size_t count, capacity;
    size_t committed;
    uint64_t *places; /* by id: the seq, 0 where there is none; twice the capacity */
    size_t places_count;
    veld_hash *nodes[40]; /* of the log, by level */
    size_t nodes_capacity[40];
    bool commit_fails; /* the next commit fails with VELD_E_FULL */
} test_journal;

void test_journal_init(test_journal *journal, uint8_t id);
void test_journal_release(test_journal *journal);
/* test_journal_cut: as a restored backup: only the first `count` items are left. */
void test_journal_cut(test_journal *journal, size_t count);

#endif
