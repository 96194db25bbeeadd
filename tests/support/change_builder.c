/* Changes without a case around them: everything that is not asked for is random but repeatable. */
#include "change_builder.h"

#include <stdlib.h>
#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/env.h"

static void fill(test_env *world, void *out, size_t len)
{
    veld_status status = veld_env_random(&world->env, out, len, NULL);
    VELD_ASSERT(status == VELD_OK);
}

void test_device_init(test_device *device, test_env *world)
{
    *device = (test_device){0};
    fill(world, device->id.bytes, sizeof device->id.bytes);
    fill(world, device->incarnation, sizeof device->incarnation);
    veld_status status = veld_p256_generate(&world->env, &device->key, NULL);
    VELD_ASSERT(status == VELD_OK);
    device->signer = veld_signer_p256(&device->key);
}

void test_device_release(test_device *device)
{
    veld_p256_release(&device->key);
}

static int compare_parents(const void *a, const void *b)
{
    return veld_hash_compare(&((const veld_parent *)a)->id, &((const veld_parent *)b)->id);
}

void test_change_init(veld_change *out, test_device *device, test_env *world,
    const veld_id *case_id, veld_parent *parents, size_t parents_count)
{
    veld_now now = veld_env_now(&world->env);
    *out = (veld_change){.format = VELD_CHANGE_FORMAT,
        .case_id = *case_id,
        .device = device->id,
        .number = ++device->number,
        .parents = parents,
        .parents_count = parents_count};
    memcpy(out->incarnation, device->incarnation, sizeof out->incarnation);
    if (parents_count > 1)
        qsort(parents, parents_count, sizeof *parents, compare_parents);
    out->time = (veld_change_time){.wall_utc_ms = now.wall_utc_ms,
        .offset_min = now.offset_min,
        .monotonic_ms = now.monotonic_ms,
        .hybrid_ms = now.wall_utc_ms,
        .quality = VELD_CLOCK_UNANCHORED};
    fill(world, out->salt, sizeof out->salt);
    fill(world, out->writes_hash.bytes, sizeof out->writes_hash.bytes);
}
