/* make_vectors VECTORS CORPUS: write the golden vectors and the seeds of the fuzz targets. To be
 * run by hand when a format changes; the test holds the committed files against what this makes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/crypto.h"
#include "wire_vectors.h"

static const char *corpus;

static void write_file(const char *folder, const char *name, veld_span bytes)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes.data, 1, bytes.len, file) != bytes.len || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

static void emit(const char *path, veld_span bytes)
{
    write_file(corpus, path, bytes);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "use: make_vectors VECTORS CORPUS\n");
        return 2;
    }
    VELD_ASSERT(veld_crypto_init(NULL) == VELD_OK);
    for (size_t i = 0; i < WIRE_VECTORS; i++) {
        veld_buf text;
        veld_buf_init(&text, WIRE_VECTOR_BYTES_MAX);
        wire_vectors[i].make(&text);
        write_file(argv[1], wire_vectors[i].file, veld_buf_span(&text));
        veld_buf_release(&text);
    }
    corpus = argv[2];
    wire_vector_corpus(emit);
    return 0;
}
