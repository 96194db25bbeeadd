/* nearest.h: was a word that is known meant by one that was typed?
 *
 * Thread: pure. */
#ifndef VELDKIT_NEAREST_H
#define VELDKIT_NEAREST_H

#include <stdbool.h>
#include <stddef.h>

#include "veldkit/bytes.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { VELD_NEAREST_WORD_MAX = 64 };

/* veld_nearest_distance: how many bytes have to be put in, left out or changed (Levenshtein), ASCII
 * letters of either case alike; VELD_NEAREST_WORD_MAX when a word is that long or longer.
 * veld_nearest_is_slip: whether so many changes may be a slip: at most two, and less than half of
 * what was typed, since of a short word little is left after two. */
size_t veld_nearest_distance(veld_span a, veld_span b);
bool veld_nearest_is_slip(veld_span typed, size_t changes);
/* veld_nearest_holds: is `part`, three signs at least, somewhere in `whole`? */
bool veld_nearest_holds(veld_span whole, veld_span part);

#ifdef __cplusplus
}
#endif
#endif
