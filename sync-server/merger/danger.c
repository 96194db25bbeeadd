/* Danger that came with a part of a dossier, from somebody who had no main case to say so in: the
 * office says it there, knowing nothing of what was lowered meanwhile, so that this is held back.
 */
#include "merger.h"
#include "veldkit/limits.h"
#include "veldkit/part.h"

static veld_status notice(
    srv_session *session, veld_case *part, const veld_id *main_id, veld_error *err)
{
    veld_status status;
    veld_arena arena;
    size_t count = 0;
    veld_hash change;
    veld_case *main = NULL;
    const veld_id *records = NULL;
    const veld_desk desk = veld_desk_quiet(&session->desk);
    veld_arena_init(&arena, VELD_CHANGE_MEMORY_MAX);
    VELD_TRY(veld_part_dangers(part, &arena, &records, &count, err));
    if (count == 0)
        goto done;
    VELD_TRY(veld_case_open(&desk, main_id, &main, err));
    VELD_TRY(veld_part_notice(main, records, count, true, &change, err));
    if (!veld_hash_is_zero(&change))
        status = veld_sync_post_head(session->sync, main_id, err);
done:
    veld_case_close(main);
    veld_arena_release(&arena);
    return status;
}

veld_status srv_danger_follow(srv_session *session, const veld_id *case_id, veld_error *err)
{
    veld_status status;
    veld_places places = {0};
    veld_case *part = NULL;
    const veld_desk desk = veld_desk_quiet(&session->desk);
    VELD_TRY(veld_places_load_dossier(session->store, case_id, &places, err));
    const veld_place *place = veld_places_of(&places, case_id);
    if (place == NULL || place->compartment == VELD_COMPARTMENT_MAIN ||
        veld_places_of(&places, &place->dossier) == NULL)
        goto done;
    VELD_TRY(veld_case_open(&desk, case_id, &part, err));
    status = notice(session, part, &place->dossier, err);
done:
    veld_case_close(part);
    veld_places_release(&places);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}
