/* The form of a user's entry, and the roles by name. */
#include "veldkit/user.h"

#include <string.h>

#include "directory_inner.h"
#include "veldkit/context.h"
#include "veldkit/limits.h"

enum { KEY_SIGN = 3, KEY_ROLE, KEY_STATE, KEY_POSITION, USER_KEYS };

static const char *const names[VELD_USER_ROLES] = {"field_worker", "office_worker", "case_manager",
    "specialist", "team_lead", "reporting", "admin", "auditor"};

const char *veld_user_role_name(veld_user_role role)
{
    return role >= VELD_ROLE_FIELD_WORKER && role <= VELD_ROLE_AUDITOR
               ? names[role - VELD_ROLE_FIELD_WORKER]
               : NULL;
}

bool veld_user_role_find(const char *name, veld_user_role *out)
{
    for (int role = VELD_ROLE_FIELD_WORKER; role <= VELD_ROLE_AUDITOR; role++) {
        if (strcmp(name, names[role - VELD_ROLE_FIELD_WORKER]) != 0)
            continue;
        *out = (veld_user_role)role;
        return true;
    }
    return false;
}

veld_status veld_user_make(
    const veld_user_entry *entry, const veld_signer *merger, veld_buf *out, veld_error *err)
{
    veld_buf body;
    veld_buf_init(&body, VELD_DIRECTORY_BYTES_MAX);
    veld_cbor_writer writer = veld_cbor_write(&body);
    directory_put_start(&writer, USER_KEYS, DIRECTORY_FORMAT_USER, &entry->user, "");
    directory_put_key(&writer, KEY_SIGN, &entry->key);
    veld_cbor_put_uint(&writer, KEY_ROLE);
    veld_cbor_put_uint(&writer, (uint64_t)entry->role);
    veld_cbor_put_uint(&writer, KEY_STATE);
    veld_cbor_put_uint(&writer, (uint64_t)entry->state);
    veld_cbor_put_uint(&writer, KEY_POSITION);
    veld_cbor_put_uint(&writer, entry->position);
    veld_status status = directory_sign(&writer, merger, &body, out, err);
    veld_buf_release(&body);
    return status;
}

/* A number from 1 to `last`; what is above is of a newer program. */
static uint64_t read_number(veld_cbor_reader *reader, uint64_t last)
{
    uint64_t number = veld_cbor_uint(reader);
    if (number == 0)
        veld_cbor_reader_fail(reader, VELD_E_FORM);
    else if (number > last)
        veld_cbor_reader_fail(reader, VELD_E_NEWER);
    return number;
}

static void read_key(veld_cbor_reader *reader, uint64_t key, void *to)
{
    char name[VELD_CARD_NAME_BYTES_MAX + 1] = "";
    veld_user_entry *out = to;
    switch (key) {
    case DIRECTORY_KEY_FORMAT:
        directory_read_format(reader, DIRECTORY_FORMAT_USER);
        break;
    case DIRECTORY_KEY_ID:
        veld_cbor_fixed(reader, out->user.bytes, sizeof out->user.bytes);
        break;
    case DIRECTORY_KEY_NAME:
        directory_read_name(reader, true, name);
        if (name[0] != 0)
            veld_cbor_reader_fail(reader, VELD_E_FORM);
        break;
    case KEY_SIGN:
        directory_read_point(reader, &out->key);
        break;
    case KEY_ROLE:
        out->role = (veld_user_role)read_number(reader, VELD_USER_ROLES);
        break;
    case KEY_STATE:
        out->state = (veld_user_state)read_number(reader, VELD_USER_DISABLED);
        break;
    default:
        directory_read_position(reader, &out->position);
        break;
    }
}

static const veld_signed_form FORM = {
    VELD_NAMESPACE_DIRECTORY, VELD_DIRECTORY_BYTES_MAX, USER_KEYS, USER_KEYS, read_key};

veld_status veld_user_read(veld_span bytes, const veld_verifier *verifier,
    const veld_p256_public *key, veld_user_entry *out, veld_error *err)
{
    veld_status status;
    veld_user_entry entry = {0};
    *out = (veld_user_entry){0};
    VELD_TRY(veld_signed_decode(bytes, &FORM, &entry, err));
    VELD_TRY(veld_signed_verify_at(
        bytes, &FORM, verifier, key, (veld_sign_place){.position = entry.position}, err));
    *out = entry;
done:
    return status;
}
