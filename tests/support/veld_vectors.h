/* veld_vectors.h: published test vectors as they lie in tests/vectors: JSON with values in hex. */
#ifndef VELD_VECTORS_H
#define VELD_VECTORS_H

#include <cjson/cJSON.h>

#include "veldkit/bytes.h"

/* vectors_load: the file tests/vectors/NAME; fails the test when it cannot be read. Free with
 * cJSON_Delete. */
cJSON *vectors_load(const char *name);
/* vectors_hex: the bytes of member `name`; free with free(). An empty value gives a valid pointer.
 */
veld_span vectors_hex(const cJSON *object, const char *name);
const char *vectors_text(const cJSON *object, const char *name);
int vectors_number(const cJSON *object, const char *name);
/* vectors_release: free what vectors_hex gave. */
void vectors_release(veld_span bytes);

#endif
