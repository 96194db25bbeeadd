/* From what an administrator types to a case or a device. */
#include <stdlib.h>
#include <string.h>

#include "../srv.h"

veld_status srv_compartment(veld_cli_call *call, veld_compartment *out)
{
    const char *name = veld_cli_value(call, SRV_OPTION_COMPARTMENT);
    if (name == NULL || veld_compartment_find(veld_span_text(name), out))
        return VELD_OK;
    return veld_fail(&call->err, VELD_E_INVALID,
        "geen afgeschermd deel met die naam; kies uit main, address, reporter, child-talk, legal");
}

veld_status srv_part_find(veld_cli_call *call, const veld_places *places, const char *word,
    const veld_place **first, size_t *count)
{
    veld_place place = {0};
    size_t matches = 0;
    veld_status status;
    VELD_TRY(veld_cli_prefix_check(word, &call->err));
    veld_places_search(places, word, veld_cli_prefix_fits, &place, &matches);
    VELD_TRY(veld_cli_prefix_judge(word, "zaak", matches, &call->err));
    veld_compartment wanted = place.compartment;
    VELD_TRY(srv_compartment(call, &wanted));
    *first = veld_places_list(places, &place.dossier, wanted, count);
    if (place.compartment != VELD_COMPARTMENT_MAIN) { /* one case by its own number */
        *first = wanted == place.compartment ? veld_places_of(places, &place.case_id) : NULL;
        *count = *first != NULL;
    }
    if (*count == 0)
        status = veld_fail(&call->err, VELD_E_NOT_FOUND, "deze zaak heeft geen afgeschermd deel %s",
            veld_compartment_name(wanted));

done:
    return status;
}

typedef struct device_search {
    const char *word;
    bool is_prefix;
    size_t matches;
    veld_directory_entry found;
} device_search;

static veld_status look_at(void *context, const veld_directory_entry *entry, veld_error *err)
{
    device_search *search = context;
    (void)err;
    if ((search->is_prefix && veld_cli_prefix_fits(&entry->device, search->word)) ||
        strcmp(entry->worker, search->word) == 0) {
        search->found = *entry;
        search->matches++;
    }
    return VELD_OK;
}

veld_status srv_device_find(
    srv_session *session, const char *word, veld_directory_entry *out, veld_error *err)
{
    device_search search = {
        .word = word, .is_prefix = veld_cli_prefix_check(word, NULL) == VELD_OK};
    veld_status status;
    VELD_TRY(veld_directory_each(session->store, &search, look_at, err));
    if (search.matches == 0)
        status = veld_fail(err, VELD_E_NOT_FOUND, "geen apparaat met dit nummer of deze naam");
    else if (search.matches > 1)
        status = veld_fail(
            err, VELD_E_INVALID, "%zu apparaten passen hierbij; geef het nummer", search.matches);
    else
        *out = search.found;

done:
    return status;
}
