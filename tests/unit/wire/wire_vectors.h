/* wire_vectors.h: the golden vectors of proto/vectors, made anew. */
#ifndef WIRE_VECTORS_H
#define WIRE_VECTORS_H

#include <stdbool.h>

#include "veldkit/bytes.h"

typedef struct wire_vector {
    const char *file;
    /* Appends the file's text. Everything in it follows from fixed random bytes and keys. */
    void (*make)(veld_buf *out);
    /* False when the bytes may differ with the version of a library (zstd): then only reading the
     * committed file is a test. */
    bool is_reproducible;
} wire_vector;

enum { WIRE_VECTORS = 4, WIRE_VECTOR_BYTES_MAX = 1 << 20, WIRE_VECTOR_CHANGES = 5 };

extern const wire_vector wire_vectors[WIRE_VECTORS];

/* wire_vector_corpus: the seeds of the fuzz targets, one call of `emit` each. */
void wire_vector_corpus(void (*emit)(const char *path, veld_span bytes));

#endif
