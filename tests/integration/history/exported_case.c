/* Records are plain lines here: how a record's text is made is another room's work. */
#include "exported_case.h"

#include <stdio.h>
#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/commit.h"

static veld_id record_id(const exported_case *made, size_t n)
{
    veld_id id = made->case_id;
    id.bytes[0] = (uint8_t)n;
    id.bytes[15] = (uint8_t)(n % 2);
    return id;
}

static veld_span record_text(size_t n, uint32_t value, char *out, size_t size)
{
    int len = snprintf(out, size,
        "{\"field\":\"name\",\"value\":\"record %zu\",\"write\":\"00\"}\n"
        "{\"field\":\"note\",\"value\":%u,\"write\":\"01\"}\n",
        n, value);
    return veld_span_of(out, (size_t)len);
}

static const char *record_type(size_t n)
{
    return n % 2 == 0 ? "visit" : "visit-note";
}

void exported_case_init(exported_case *made, uint64_t seed)
{
    memset(made, 0, sizeof *made);
    test_env_init(&made->world, seed);
    test_device_init(&made->devices[0], &made->world);
    test_device_init(&made->devices[1], &made->world);
    memset(made->case_id.bytes, 0xCA, sizeof made->case_id.bytes);
}

void exported_case_release(exported_case *made)
{
    for (size_t i = 0; i < made->count; i++)
        veld_tree_free(made->changes[i].tree);
    test_device_release(&made->devices[0]);
    test_device_release(&made->devices[1]);
}

size_t exported_case_add(exported_case *made, size_t device, const size_t *on, size_t on_count,
    int64_t wall_utc_ms, int32_t offset_min)
{
    VELD_ASSERT(made->count < EXPORTED_CHANGES_MAX && on_count <= 3);
    size_t at = made->count++, n = at % EXPORTED_RECORDS;
    exported_change *now = &made->changes[at];
    int64_t dates[3];
    veld_status status = VELD_OK;
    now->device = device;
    for (size_t i = 0; i < on_count; i++) {
        const veld_change *parent = &made->changes[on[i]].change;
        now->parents[i] = (veld_parent){.id = parent->id, .git = parent->git};
        dates[i] = parent->commit_utc_s;
    }
    made->world.now.wall_utc_ms = wall_utc_ms;
    made->world.now.offset_min = offset_min;
    test_change_init(&now->change, &made->devices[device], &made->world, &made->case_id,
        on_count > 0 ? now->parents : NULL, on_count);
    now->change.commit_utc_s = veld_commit_time(wall_utc_ms, dates, on_count);
    if (on_count > 0) {
        memcpy(now->records, made->changes[on[0]].records, sizeof now->records);
        status = veld_tree_copy(made->changes[on[0]].tree, &now->tree, NULL);
    } else {
        now->tree = veld_tree_new();
    }
    now->records[n] = (uint32_t)at + 1;
    char text[256];
    veld_id id = record_id(made, n);
    veld_tree_name root;
    VELD_ASSERT(status == VELD_OK && now->tree != NULL);
    status = veld_tree_put(now->tree, veld_span_text(record_type(n)), &id,
        record_text(n, now->records[n], text, sizeof text), NULL, NULL);
    VELD_ASSERT(status == VELD_OK);
    status = veld_tree_root(now->tree, &root, NULL);
    VELD_ASSERT(status == VELD_OK);
    now->change.tree_git = root.git;
    now->change.tree = root.hash;
    status = veld_commit_sign(&now->change, &made->devices[device].signer, NULL);
    VELD_ASSERT(status == VELD_OK);
    return at;
}

static veld_status write_change(veld_export *repo, exported_case *made, size_t at, veld_error *err)
{
    veld_status status = VELD_OK;
    exported_change *now = &made->changes[at];
    for (size_t n = 0; n < EXPORTED_RECORDS; n++) {
        char text[256];
        if (now->records[n] != 0)
            VELD_TRY(veld_export_blob(
                repo, record_text(n, now->records[n], text, sizeof text), NULL, err));
    }
    VELD_TRY(veld_export_tree(repo, now->tree, err));
    VELD_TRY(
        veld_export_commit(repo, &now->change, &made->devices[now->device].key.public_key, err));
done:
    return status;
}

veld_status exported_case_write_apart(exported_case *made, const char *dir, veld_error *err)
{
    veld_status status;
    veld_export *repo = NULL;
    const exported_change *last = &made->changes[made->count - 1];
    VELD_TRY(veld_export_open(dir, &repo, err));
    for (size_t i = 0; i + 1 < made->count; i++)
        VELD_TRY(write_change(repo, made, i, err));
    VELD_TRY(
        veld_export_apart(repo, &last->change, &made->devices[last->device].key.public_key, err));
    VELD_TRY(veld_export_finish(repo, last[-1].tree, err));
done:
    veld_export_close(repo);
    return status;
}

veld_status exported_case_write(exported_case *made, size_t first, const char *dir, veld_error *err)
{
    veld_status status;
    veld_export *repo = NULL;
    VELD_TRY(veld_export_open(dir, &repo, err));
    for (size_t i = first; i < made->count; i++)
        VELD_TRY(write_change(repo, made, i, err));
    VELD_TRY(veld_export_finish(repo, made->changes[made->count - 1].tree, err));
done:
    veld_export_close(repo);
    return status;
}

void exported_case_path(const exported_case *made, size_t n, char *out, size_t size)
{
    veld_id id = record_id(made, n);
    char uuid[VELD_ID_TEXT_SIZE];
    veld_id_format(&id, uuid);
    snprintf(out, size, "%s/%s/%s", record_type(n), uuid + 34, uuid);
}
