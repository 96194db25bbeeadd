/* Changes are put together here without signatures and parents: the state looks at neither. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "veld_test.h"
#include "veldkit/crypto.h"

int fixture_begin(void **state)
{
    static fixture f;
    memset(&f, 0, sizeof f);
    test_env_init(&f.world, 7);
    veld_arena_init(&f.arena, 64 << 20);
    assert_ok(veld_crypto_init(NULL));
    assert_ok(veld_schema_set_new(&f.schemas, NULL));
    assert_ok(veld_state_new(&f.world.env, &f.state, NULL));
    *state = &f;
    return 0;
}

int fixture_end(void **state)
{
    fixture *f = *state;
    veld_state_free(f->state);
    veld_schema_set_free(f->schemas);
    veld_arena_release(&f->arena);
    return 0;
}

veld_id fixture_id(uint8_t record)
{
    veld_id id = {0};
    id.bytes[15] = record;
    return id;
}

static int by_id(const void *a, const void *b)
{
    return veld_write_id_compare(a, b);
}

static veld_write make_write(fixture *f, const act *what)
{
    veld_write_id *basis = veld_arena_get(&f->arena, what->basis_count, sizeof *basis);
    assert_non_null(basis);
    if (what->basis_count > 0)
        memcpy(basis, what->basis, what->basis_count * sizeof *basis);
    qsort(basis, what->basis_count, sizeof *basis, by_id);
    f->writes++;
    veld_write write = {
        .record = what->id != NULL ? *what->id : fixture_id(what->record),
        .type = veld_span_text(what->type),
        .field = veld_span_text(what->field),
        .value = veld_span_text(what->value),
        .replaces = what->replaces,
        .replaces_count = what->replaces_count,
        .basis = what->basis_count > 0 ? basis : NULL,
        .basis_count = what->basis_count,
    };
    write.id.bytes[0] = f->writes;
    return write;
}

veld_write_id fixture_change(fixture *f, const act *acts, size_t count)
{
    veld_write writes[8];
    assert_true(count >= 1 && count <= 8);
    f->made++;
    for (size_t i = 0; i < count; i++)
        writes[i] = make_write(f, &acts[i]);
    veld_change change = {.number = f->made, .writes = writes, .writes_count = count};
    change.device.bytes[15] = acts[0].device;
    change.core.bytes[0] = f->made;
    change.id.bytes[0] = acts[0].change != 0 ? acts[0].change : f->made;
    change.time = (veld_change_time){
        .wall_utc_ms = acts[0].wall_ms != 0 ? acts[0].wall_ms : f->world.now.wall_utc_ms,
        .offset_min = 60,
        .server_utc_ms = acts[0].server_ms,
        .hybrid_ms = acts[0].hybrid_ms,
        .hybrid_count = acts[0].hybrid_count,
        .quality = VELD_CLOCK_ANCHORED,
    };
    bool applied;
    assert_ok(veld_state_apply(f->state, &change, &applied, NULL));
    assert_true(applied);
    return writes[0].id;
}

veld_write_id fixture_act(fixture *f, const act *what)
{
    return fixture_change(f, what, 1);
}

const veld_state_record *fixture_record(const fixture *f, uint8_t record, const char *type)
{
    veld_id id = fixture_id(record);
    const veld_state_record *found = veld_state_record_get(f->state, veld_span_text(type), &id);
    assert_non_null(found);
    return found;
}

veld_reading fixture_read(fixture *f, uint8_t record, const char *type, const char *field)
{
    veld_reading reading;
    const veld_state_record *found = fixture_record(f, record, type);
    if (strcmp(field, VELD_FIELD_REMOVED) == 0) {
        assert_ok(veld_policy_read_removed(found, &f->arena, &reading));
        return reading;
    }
    const veld_state_field *at = veld_state_field_get(found, veld_span_text(field));
    assert_non_null(at);
    veld_outlook outlook = veld_outlook_of(f->state, f->schemas, &f->arena);
    assert_ok(veld_policy_read(&outlook, at, &reading));
    return reading;
}
