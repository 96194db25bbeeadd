/* fixture.h: a case made write by write, each by a device at a time that the test chooses. */
#ifndef TEST_CASES_FIXTURE_H
#define TEST_CASES_FIXTURE_H

#include "test_env.h"
#include "veldkit/arena.h"
#include "veldkit/policy.h"
#include "veldkit/schema.h"
#include "veldkit/state.h"

typedef struct fixture {
    test_env world;
    veld_arena arena;
    veld_schema_set *schemas;
    veld_state *state;
    uint8_t made;
    uint8_t writes;
} fixture;

/* One write. Names are small numbers, the same in every test. */
typedef struct act {
    uint8_t record;
    const veld_id *id; /* of the record, when it is no small number */
    const char *type;
    const char *field;
    const char *value;
    uint8_t device;
    int64_t hybrid_ms;
    uint32_t hybrid_count;
    int64_t server_ms;
    int64_t wall_ms; /* the world's when 0 */
    uint8_t change;  /* first byte of the change id; a counter when 0 */
    const veld_write_id *replaces;
    size_t replaces_count;
    const veld_write_id *basis; /* sorted here */
    size_t basis_count;
} act;

int fixture_begin(void **state);
int fixture_end(void **state);
/* fixture_act: apply a change with this write; returns the write's id. fixture_change: with
 * several, device and time as the first says; returns the id of the first. */
veld_write_id fixture_act(fixture *f, const act *what);
veld_write_id fixture_change(fixture *f, const act *acts, size_t count);
const veld_state_record *fixture_record(const fixture *f, uint8_t record, const char *type);
/* fixture_read: what the field shows; fails the test when there is no such field. */
veld_reading fixture_read(fixture *f, uint8_t record, const char *type, const char *field);
veld_id fixture_id(uint8_t record);

#define assert_span(span, text) assert_true(veld_span_equal((span), veld_span_text(text)))

#endif
