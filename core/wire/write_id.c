/* The order of write ids. Apart from the codecs, which need a library; this needs none. */
#include "veldkit/change.h"

#include <string.h>

int veld_write_id_compare(const veld_write_id *a, const veld_write_id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

bool veld_write_id_equal(const veld_write_id *a, const veld_write_id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}
