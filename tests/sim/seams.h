/* seams.h: the names that the linker gives to a function that is wrapped and to the wrapped one. */
#ifndef SIM_SEAMS_H
#define SIM_SEAMS_H

#include "primitive.h"
#include "veldkit/access_log.h"
#include "veldkit/case.h"
#include "veldkit/checkpoint.h"
#include "veldkit/env.h"
#include "veldkit/grant.h"
#include "veldkit/lease.h"
#include "veldkit/log.h"
#include "veldkit/p256.h"
#include "veldkit/pin.h"
#include "veldkit/quarantine.h"
#include "veldkit/state.h"
#include "veldkit/sync.h"
#include "veldkit/user.h"
#include "veldkit/vault.h"

veld_status __wrap_veld_xaes_seal_with(veld_key key, const uint8_t nonce[24], veld_span aad,
    veld_span plain, uint8_t *out, veld_error *err);
veld_status __real_veld_xaes_seal_with(veld_key key, const uint8_t nonce[24], veld_span aad,
    veld_span plain, uint8_t *out, veld_error *err);
veld_status __wrap_veld_hmac_with(
    veld_key key, const veld_span *parts, size_t count, veld_hash *out, veld_error *err);
veld_status __real_veld_hmac_with(
    veld_key key, const veld_span *parts, size_t count, veld_hash *out, veld_error *err);
veld_status __wrap_veld_state_apply(
    veld_state *state, const veld_change *change, bool *applied, veld_error *err);
veld_status __real_veld_state_apply(
    veld_state *state, const veld_change *change, bool *applied, veld_error *err);
veld_status __wrap_veld_checkpoint_read(
    const veld_env *env, veld_span bytes, veld_state **state, veld_graph **graph, veld_error *err);
veld_status __real_veld_checkpoint_read(
    const veld_env *env, veld_span bytes, veld_state **state, veld_graph **graph, veld_error *err);
veld_status __wrap_veld_case_state_id(veld_case *opened, veld_hash *out, veld_error *err);
veld_status __real_veld_case_state_id(veld_case *opened, veld_hash *out, veld_error *err);
veld_status __wrap_veld_log_check_growth(const veld_log_head *old, const veld_log_head *head,
    const veld_log_proof *proof, veld_error *err);
veld_status __real_veld_log_check_growth(const veld_log_head *old, const veld_log_head *head,
    const veld_log_proof *proof, veld_error *err);
veld_status __wrap_veld_grant_verify(const veld_grant *grant, const veld_verifier *verifier,
    const veld_p256_public *key, veld_error *err);
veld_status __real_veld_grant_verify(const veld_grant *grant, const veld_verifier *verifier,
    const veld_p256_public *key, veld_error *err);
veld_status __wrap_veld_handover_get(
    veld_store *store, const veld_hash *change, veld_handover *out, veld_error *err);
veld_status __real_veld_handover_get(
    veld_store *store, const veld_hash *change, veld_handover *out, veld_error *err);
veld_status __wrap_veld_quarantine_get(veld_store *store, const veld_hash *change, veld_buf *body,
    veld_quarantined *out, veld_error *err);
veld_status __real_veld_quarantine_get(veld_store *store, const veld_hash *change, veld_buf *body,
    veld_quarantined *out, veld_error *err);
veld_status __wrap_veld_vault_row_id(const veld_vault *vault, const char *table,
    const veld_span *parts, size_t count, veld_row_id *out, veld_error *err);
veld_status __real_veld_vault_row_id(const veld_vault *vault, const char *table,
    const veld_span *parts, size_t count, veld_row_id *out, veld_error *err);
veld_status __wrap_veld_access_keep(
    veld_store *store, veld_span entry, bool *is_new, veld_error *err);
veld_status __real_veld_access_keep(
    veld_store *store, veld_span entry, bool *is_new, veld_error *err);
veld_status __wrap_veld_lease_time(veld_store *store, const veld_anchor *anchor,
    const veld_now *now, int64_t *utc_ms, bool *sure, veld_error *err);
veld_status __real_veld_lease_time(veld_store *store, const veld_anchor *anchor,
    const veld_now *now, int64_t *utc_ms, bool *sure, veld_error *err);
veld_status __wrap_veld_store_erase_case(
    veld_store *store, const veld_id *case_id, veld_error *err);
veld_status __real_veld_store_erase_case(
    veld_store *store, const veld_id *case_id, veld_error *err);
veld_status __wrap_veld_case_save(
    veld_case *opened, const veld_edit *edits, size_t count, veld_hash *change, veld_error *err);
veld_status __real_veld_case_save(
    veld_case *opened, const veld_edit *edits, size_t count, veld_hash *change, veld_error *err);
const veld_p256_private *__wrap_veld_store_seal_key_at(const veld_store *store, size_t index);
const veld_p256_private *__real_veld_store_seal_key_at(const veld_store *store, size_t index);
veld_status __wrap_veld_user_read(veld_span bytes, const veld_verifier *verifier,
    const veld_p256_public *key, veld_user_entry *out, veld_error *err);
veld_status __real_veld_user_read(veld_span bytes, const veld_verifier *verifier,
    const veld_p256_public *key, veld_user_entry *out, veld_error *err);
veld_now __wrap_veld_env_now(const veld_env *env);
veld_now __real_veld_env_now(const veld_env *env);
veld_status __wrap_veld_p256_import(veld_span scalar, veld_p256_private *out, veld_error *err);
veld_status __real_veld_p256_import(veld_span scalar, veld_p256_private *out, veld_error *err);
veld_status __wrap_veld_p256_generate(const veld_env *env, veld_p256_private *out, veld_error *err);
veld_status __real_veld_p256_generate(const veld_env *env, veld_p256_private *out, veld_error *err);
veld_status __wrap_veld_p256_agree(const veld_p256_private *mine, const veld_p256_public *theirs,
    veld_secret *out, veld_error *err);
veld_status __real_veld_p256_agree(const veld_p256_private *mine, const veld_p256_public *theirs,
    veld_secret *out, veld_error *err);
veld_status __wrap_veld_pin_stretch(const veld_pin_params *params, veld_span pin,
    const uint8_t salt[VELD_PIN_SALT_BYTES], veld_secret *out, veld_error *err);

#endif
