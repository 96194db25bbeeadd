/* A stream of frames, in pieces whose size the first byte gives: pieces do not matter. */
#include <stdint.h>

#include "veldkit/assert.h"
#include "veldkit/crypto.h"
#include "veldkit/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t read_in_steps(veld_span bytes, size_t step, veld_status *status)
{
    veld_frame_reader reader;
    uint64_t frames = 0;
    VELD_ASSERT(veld_frame_reader_init(&reader, VELD_FRAME_FILE, NULL) == VELD_OK);
    *status = VELD_OK;
    for (size_t at = 0; at < bytes.len && *status == VELD_OK; at += step) {
        size_t len = bytes.len - at < step ? bytes.len - at : step;
        *status = veld_frame_reader_add(&reader, veld_span_part(bytes, at, len), NULL);
        for (bool have = true; have && *status == VELD_OK;) {
            veld_frame frame;
            *status = veld_frame_reader_next(&reader, &frame, &have, NULL);
            frames += have ? 1 : 0;
        }
    }
    if (*status == VELD_OK)
        *status = veld_frame_reader_finish(&reader, NULL);
    veld_frame_reader_release(&reader);
    return frames;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VELD_ASSERT(veld_crypto_init(NULL) == VELD_OK);
    if (size < 2)
        return 0;
    veld_status whole, pieces;
    veld_span bytes = veld_span_of(data + 1, size - 1);
    uint64_t frames = read_in_steps(bytes, size, &whole);
    VELD_ASSERT(read_in_steps(bytes, 1 + data[0] % 61u, &pieces) == frames);
    VELD_ASSERT((whole == VELD_OK) == (pieces == VELD_OK));
    return 0;
}
