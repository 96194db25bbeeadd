/* past.h: the known writes of one field and what each replaced, numbered so that a walk costs no
 * more than the writes and the namings there are, whoever made them. */
#ifndef VELD_CASES_PAST_H
#define VELD_CASES_PAST_H

#include "veldkit/arena.h"
#include "veldkit/state.h"
#include "veldkit/status.h"

/* Only known writes of this field count. Arrays live in the arena. */
typedef struct past {
    const veld_entry **entries; /* in no order that means anything */
    size_t count;
    const size_t *first; /* entry i replaced links[first[i]] to links[first[i + 1] - 1] */
    const size_t *links;
    const bool *unknown; /* entry i replaced something that is not known here */
    const size_t *order; /* places, those that were replaced before their replacers */
    size_t ordered;      /* how many; less than count only when ids lie about their content */
} past;

/* past_of: expects VELD_E_MEMORY. */
veld_status past_of(const veld_state *state, const veld_state_field *field, veld_arena *arena,
    past *out) VELD_MUST_CHECK;
/* past_place: where an entry of the field stands. */
size_t past_place(const past *p, const veld_entry *entry);

enum { PAST_TIPS_MAX = 64 };

/* past_common: the latest writes that are in the past of all tips: in the past of each, and of no
 * other such one. None when there are more than PAST_TIPS_MAX tips. `*sure`: no tip has something
 * unknown between itself and them, as of a past that a checkpoint stands for.
 * Expects: VELD_E_MEMORY. */
veld_status past_common(const past *p, const veld_entry *const *tips, size_t tips_count,
    veld_arena *arena, const veld_entry ***out, size_t *count, bool *sure) VELD_MUST_CHECK;

#endif
