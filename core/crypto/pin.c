/* Argon2id for what a person types. The working memory comes from the process-wide allocator and is
 * wiped by libargon2; parameters are held against floor and caps before any memory is spent,
 * because they are read from a file. */
#include "veldkit/pin.h"

#include <argon2.h>

#include "veldkit/assert.h"
#include "veldkit/context.h"
#include "veldkit/hash.h"
#include "veldkit/limits.h"
#include "veldkit/number.h"

enum {
    FLOOR_PASSES = 1,
    FLOOR_MEMORY_KIB = 46 * 1024,
    FLOOR_LANES = 1,
    TARGET_MS = 400,
    SHORTEST_MS = 300,
    LONGEST_MS = 500,
    STEPS_MAX = 3,
};

veld_status veld_pin_params_check(const veld_pin_params *params, veld_error *err)
{
    if (params->passes < FLOOR_PASSES || params->memory_kib < FLOOR_MEMORY_KIB ||
        params->lanes < FLOOR_LANES)
        return veld_fail(err, VELD_E_WEAK, "the cost of guessing a pin is below the floor");
    if (params->passes > VELD_PIN_PASSES_MAX || params->memory_kib > VELD_PIN_MEMORY_KIB_MAX ||
        params->lanes > VELD_PIN_LANES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "the cost of unlocking is over the maximum");
    return VELD_OK;
}

void veld_pin_params_write(const veld_pin_params *params, uint8_t out[VELD_PIN_PARAMS_BYTES])
{
    veld_put_u32(out, params->passes);
    veld_put_u32(out + 4, params->memory_kib);
    veld_put_u32(out + 8, params->lanes);
}

veld_status veld_pin_params_read(
    const uint8_t in[VELD_PIN_PARAMS_BYTES], veld_pin_params *out, veld_error *err)
{
    const veld_pin_params read = {.passes = veld_get_u32(in),
        .memory_kib = veld_get_u32(in + 4),
        .lanes = veld_get_u32(in + 8)};
    veld_status status = veld_pin_params_check(&read, err);
    if (status == VELD_OK)
        *out = read;
    return status;
}

static int take_memory(uint8_t **memory, size_t bytes)
{
    *memory = veld_allocate(bytes);
    return *memory != NULL ? ARGON2_OK : ARGON2_MEMORY_ALLOCATION_ERROR;
}

static void give_memory(uint8_t *memory, size_t bytes)
{
    (void)bytes;
    veld_release(memory);
}

veld_status veld_pin_stretch(const veld_pin_params *params, veld_span pin,
    const uint8_t salt[VELD_PIN_SALT_BYTES], veld_secret *out, veld_error *err)
{
    veld_secret typed = {0}; /* libargon2 wants to be able to write to its inputs */
    veld_secret made = {0};
    uint8_t salt_copy[VELD_PIN_SALT_BYTES];
    veld_status status;
    if (pin.len == 0 || pin.len > VELD_PIN_BYTES_MAX)
        VELD_TRY(veld_fail(err, VELD_E_LIMIT, "a pin has 1 to %u bytes", VELD_PIN_BYTES_MAX));
    VELD_TRY(veld_pin_params_check(params, err));
    VELD_TRY(veld_secret_copy(&typed, pin));
    VELD_TRY(veld_secret_init(&made, VELD_PIN_KEY_BYTES));
    for (size_t i = 0; i < sizeof salt_copy; i++)
        salt_copy[i] = salt[i];
    argon2_context work = {.out = made.data,
        .outlen = VELD_PIN_KEY_BYTES,
        .pwd = typed.data,
        .pwdlen = (uint32_t)typed.len,
        .salt = salt_copy,
        .saltlen = sizeof salt_copy,
        .t_cost = params->passes,
        .m_cost = params->memory_kib,
        .lanes = params->lanes,
        .threads = params->lanes,
        .version = ARGON2_VERSION_13,
        .allocate_cbk = take_memory,
        .free_cbk = give_memory,
        .flags = ARGON2_FLAG_CLEAR_PASSWORD};
    int native = argon2id_ctx(&work);
    if (native == ARGON2_MEMORY_ALLOCATION_ERROR)
        VELD_TRY(veld_fail(err, VELD_E_MEMORY, "no memory to stretch a pin"));
    if (native != ARGON2_OK)
        VELD_TRY(veld_fail(err, VELD_E_CRYPTO, "stretching a pin failed (%d)", native));
    *out = made;
    made = (veld_secret){0};
done:
    veld_secret_release(&typed);
    veld_secret_release(&made);
    return status;
}

/* The faster of two runs: what else the machine does must not make the parameters weaker. */
static veld_status run_ms(
    const veld_env *env, const veld_pin_params *params, int64_t *out, veld_error *err)
{
    static const uint8_t salt[VELD_PIN_SALT_BYTES] = {0};
    *out = INT64_MAX;
    for (int run = 0; run < 2; run++) {
        veld_secret key = {0};
        int64_t before = veld_env_now(env).monotonic_ms;
        veld_status status =
            veld_pin_stretch(params, veld_span_text("calibration"), salt, &key, err);
        if (status != VELD_OK)
            return status;
        veld_secret_release(&key);
        int64_t passed = veld_env_now(env).monotonic_ms - before;
        if (passed < *out)
            *out = passed > 0 ? passed : 1;
    }
    return VELD_OK;
}

/* Time grows about with passes x memory: whole passes over the floor's memory, and more memory for
 * the part of a pass that is left. */
static veld_pin_params scaled(veld_pin_params params, int64_t took_ms)
{
    int64_t work = (int64_t)params.passes * params.memory_kib * TARGET_MS / took_ms;
    int64_t passes = work / FLOOR_MEMORY_KIB;
    if (passes < FLOOR_PASSES)
        passes = FLOOR_PASSES;
    if (passes > VELD_PIN_PASSES_MAX)
        passes = VELD_PIN_PASSES_MAX;
    int64_t memory_kib = work / passes;
    if (memory_kib < FLOOR_MEMORY_KIB)
        memory_kib = FLOOR_MEMORY_KIB;
    if (memory_kib > VELD_PIN_MEMORY_KIB_MAX)
        memory_kib = VELD_PIN_MEMORY_KIB_MAX;
    return (veld_pin_params){(uint32_t)passes, (uint32_t)memory_kib, FLOOR_LANES};
}

/* The first run pays for memory that the system hands out for the first time, so what follows from
 * it is tried out too. */
veld_status veld_pin_calibrate(const veld_env *env, veld_pin_params *out, veld_error *err)
{
    veld_pin_params params = {FLOOR_PASSES, FLOOR_MEMORY_KIB, FLOOR_LANES};
    for (int step = 0; step < STEPS_MAX; step++) {
        int64_t took_ms = 0;
        veld_status status = run_ms(env, &params, &took_ms, err);
        if (status != VELD_OK)
            return status;
        bool at_floor = params.passes == FLOOR_PASSES && params.memory_kib == FLOOR_MEMORY_KIB;
        if (took_ms >= SHORTEST_MS && (took_ms <= LONGEST_MS || at_floor))
            break;
        params = scaled(params, took_ms);
    }
    *out = params;
    return VELD_OK;
}

veld_status veld_unlock_key(veld_span pin_key, veld_span hardware_key, const veld_id *device,
    veld_secret *out, veld_error *err)
{
    VELD_ASSERT(pin_key.len == VELD_PIN_KEY_BYTES);
    VELD_ASSERT(hardware_key.len == VELD_PIN_HARDWARE_KEY_BYTES);
    veld_secret prk = {0};
    veld_status status;
    VELD_TRY(veld_hkdf_extract(hardware_key, &pin_key, 1, &prk, err));
    VELD_TRY(veld_key_derive(veld_secret_span(&prk), VELD_CONTEXT_UNLOCK, veld_id_span(device),
        VELD_PIN_KEY_BYTES, out, err));
done:
    veld_secret_release(&prk);
    return status;
}
