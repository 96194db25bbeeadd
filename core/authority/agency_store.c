/* The agency's statement as a store keeps it, and taking a later edition over. */
#include "veldkit/agency.h"

#define GROUP "agency"
#define NAME  "statement"

veld_status veld_agency_put(
    veld_store *store, const veld_verifier *verifier, veld_span bytes, veld_error *err)
{
    veld_agency agency;
    veld_status status = veld_agency_read(bytes, verifier, &agency, err);
    if (status != VELD_OK)
        return status;
    return veld_store_put_value(store, GROUP, veld_span_text(NAME), bytes, err);
}

veld_status veld_agency_bytes(veld_store *store, veld_buf *out, veld_error *err)
{
    return veld_store_get_value(store, GROUP, veld_span_text(NAME), out, err);
}

static veld_status load(veld_store *store, veld_buf *out, veld_error *err)
{
    veld_buf_init(out, VELD_DIRECTORY_BYTES_MAX);
    return veld_agency_bytes(store, out, err);
}

veld_status veld_agency_get(
    veld_store *store, const veld_verifier *verifier, veld_agency *out, veld_error *err)
{
    veld_buf bytes;
    veld_status status = load(store, &bytes, err);
    if (status == VELD_OK)
        status = veld_agency_read(veld_buf_span(&bytes), verifier, out, err);
    veld_buf_release(&bytes);
    return status;
}

/* Two statements of one edition, both signed by the root, are two histories of keys. */
static veld_status compare(veld_store *store, veld_span bytes, veld_error *err)
{
    veld_buf kept;
    veld_status status = load(store, &kept, err);
    if (status == VELD_OK && !veld_span_equal(bytes, veld_buf_span(&kept)))
        status = veld_fail(err, VELD_E_FORGED, "two statements of one edition");
    veld_buf_release(&kept);
    return status;
}

veld_status veld_agency_later(const veld_agency *known, const veld_verifier *verifier,
    veld_span bytes, veld_agency *out, veld_error *err)
{
    veld_status status = veld_agency_read(bytes, verifier, out, err);
    if (status == VELD_OK && !veld_p256_public_equal(&out->root_key, &known->root_key))
        status = veld_fail(err, VELD_E_FORGED, "a statement by another root key");
    if (status == VELD_OK && !veld_id_equal(&out->id, &known->id))
        status = veld_fail(err, VELD_E_FORGED, "a statement of another agency");
    return status;
}

veld_status veld_agency_follow(veld_store *store, const veld_verifier *verifier, veld_span bytes,
    veld_agency *known, bool *changed, veld_error *err)
{
    veld_agency came;
    veld_status status;
    *changed = false;
    VELD_TRY(veld_agency_later(known, verifier, bytes, &came, err));
    if (came.edition < known->edition)
        goto done;
    if (came.edition == known->edition) {
        status = compare(store, bytes, err);
        goto done;
    }
    VELD_TRY(veld_store_put_value(store, GROUP, veld_span_text(NAME), bytes, err));
    *known = came;
    *changed = true;

done:
    return status;
}
