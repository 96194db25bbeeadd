/* text_merge.h: two texts that departed from a third, merged by whole sentences. Pure: bytes in,
 * bytes out; the rule in words is in proto/records/README.md, "Text". */
#ifndef VELD_CASES_TEXT_MERGE_H
#define VELD_CASES_TEXT_MERGE_H

#include "veldkit/bytes.h"
#include "veldkit/status.h"

/* text_merge: append the merge to `out`; `*merged` is false, and `out` as it was, when a person has
 * to do it. Where both only added behind the end, `left` comes first; else the two may be
 * exchanged. Time: the product of the numbers of sentences, each at most VELD_MERGE_SENTENCES_MAX.
 * Expects: VELD_E_MEMORY, VELD_E_LIMIT (of the buffer). */
veld_status text_merge(
    veld_span base, veld_span left, veld_span right, veld_buf *out, bool *merged) VELD_MUST_CHECK;

#endif
