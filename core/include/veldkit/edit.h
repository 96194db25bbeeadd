/* edit.h: what a person wants changed, before it is known what that replaces. Checked against the
 * schema by who makes it (dossier.h); turned into writes by case.h, which looks at what is visible
 * at that moment. */
#ifndef VELDKIT_EDIT_H
#define VELDKIT_EDIT_H

#include "veldkit/bytes.h"
#include "veldkit/change.h"
#include "veldkit/id.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum veld_edit_kind {
    VELD_EDIT_SET,      /* the field has this value: replaces all that is visible on it */
    VELD_EDIT_ADD,      /* one element more in a set field: replaces nothing that others see */
    VELD_EDIT_TAKE_OUT, /* one element less in a set field */
    VELD_EDIT_REMOVE,   /* remove the record; field and value are not looked at */
    VELD_EDIT_RESTORE,  /* undo that */
    VELD_EDIT_CHOOSE    /* as SET, but replaces of what is visible only what `seen` names */
} veld_edit_kind;

typedef struct veld_edit {
    veld_edit_kind kind;
    veld_id record;
    veld_span type;
    veld_span field;
    veld_span value;           /* canonical JSON of the value, or of the one element */
    const veld_write_id *seen; /* CHOOSE: rising; borrowed */
    size_t seen_count;
    bool
        unaware; /* made for somebody who did not see this case: it knows nothing of what is here */
} veld_edit;

#ifdef __cplusplus
}
#endif
#endif
