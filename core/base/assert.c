/* Where a broken assumption of ours ends: a line for the engineer and an abort. A process that goes
 * on after this could store something wrong. */
#include "veldkit/assert.h"

#include <stdio.h>
#include <stdlib.h>

void veld_assert_failed(const char *file, int line, const char *expression)
{
    fprintf(stderr, "veldkit: assertion failed at %s:%d: %s\n", file, line, expression);
    abort();
}
