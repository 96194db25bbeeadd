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

veld_write_id fixture_act(fixture *f, const act *what)
{
    veld_write_id basis[16];
    assert_true(what->basis_count <= 16);
    if (what->basis_count > 0)
        memcpy(basis, what->basis, what->basis_count * sizeof *basis);
    qsort(basis, what->basis_count, sizeof *basis, by_id);
    f->made++;
    veld_write write = {
        .record = fixture_id(what->record),
        .type = veld_span_text(what->type),
        .field = veld_span_text(what->field),
        .value = veld_span_text(what->value),
        .replaces = what->replaces,
        .replaces_count = what->replaces_count,
        .basis = what->basis_count > 0 ? basis : NULL,
        .basis_count = what->basis_count,
    };
    write.id.bytes[0] = f->made;
    veld_change change = {.number = f->made, .writes = &write, .writes_count = 1};
    change.device.bytes[15] = what->device;
    change.core.bytes[0] = f->made;
    change.id.bytes[0] = what->change != 0 ? what->change : f->made;
    change.time = (veld_change_time){
        .wall_utc_ms = what->wall_ms != 0 ? what->wall_ms : f->world.now.wall_utc_ms,
        .offset_min = 60,
        .server_utc_ms = what->server_ms,
        .hybrid_ms = what->hybrid_ms,
        .hybrid_count = what->hybrid_count,
        .quality = VELD_CLOCK_ANCHORED,
    };
    bool applied;
    assert_ok(veld_state_apply(f->state, &change, &applied, NULL));
    assert_true(applied);
    return write.id;
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
    const veld_schema *schema = veld_schema_get(f->schemas, veld_span_text(type));
    assert_ok(veld_policy_read(at, veld_schema_field_get(schema, at->name), &f->arena, &reading));
    return reading;
}
