/* frame.h: the outermost form of an exchange and of a bundle: a sequence of frames.
 *
 *   stream = version frame, frames, end frame        (a CBOR sequence, RFC 8742)
 *   frame  = [type uint, body bytes]
 *   file   = "VKB1" and such a stream
 *
 * A frame of an unknown type is skipped by who does not know it. The end frame carries the number
 * of frames before it and the SHA-256 of all bytes before it (the magic among them), so a stream
 * that was cut is seen; who takes part of one in knows what each frame proves by itself.
 * Source: design.md 6; proto/WIRE.md, "Exchange" and "Bundle". */
#ifndef VELDKIT_FRAME_H
#define VELDKIT_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/hash.h"
#include "veldkit/limits.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { VELD_EXCHANGE_MAJOR = 0, VELD_EXCHANGE_MINOR = 0 };

/* The numbers are stable; new ones are added. */
typedef enum veld_frame_type {
    VELD_FRAME_VERSION = 0, /* first, once: [major, minor, program] */
    VELD_FRAME_END = 1,     /* last, once: [count, sha256] */
    VELD_FRAME_CARD = 2,
    VELD_FRAME_GRANT = 3,
    VELD_FRAME_ENVELOPE = 4,
    VELD_FRAME_CHECKPOINT = 5,
    VELD_FRAME_CURSOR = 6,
    VELD_FRAME_HOLDINGS = 7,
    VELD_FRAME_RECEIPT = 8,
    VELD_FRAME_ORDER = 9,
    VELD_FRAME_DIRECTORY = 10,
    VELD_FRAME_REFUSAL = 11,
    VELD_FRAME_HEAD = 12,
    VELD_FRAME_ENROL_REQUEST = 13,
    VELD_FRAME_ENROL_ANSWER = 14,
    VELD_FRAME_WANT = 15,
    VELD_FRAME_GROWTH = 16,
    VELD_FRAME_CONFIRMATION = 17,
    VELD_FRAME_DIRECTORY_HEAD = 18,
    VELD_FRAME_ASIDE = 19,
    VELD_FRAME_ACCESS = 20,
    VELD_FRAME_INTRODUCTION = 21,
    VELD_FRAME_FORGET = 29,
    VELD_FRAME_EDITION = 30, /* of the agency's statement that the sender knows */
    VELD_FRAME_ASK = 31,
    VELD_FRAME_TOLD = 32,
    VELD_FRAME_PLACE = 33
} veld_frame_type;

typedef enum veld_frame_carrier {
    VELD_FRAME_STREAM, /* over a connection: no magic */
    VELD_FRAME_FILE    /* a bundle: "VKB1" first */
} veld_frame_carrier;

/* ---- writing ---- */
typedef struct veld_frame_writer {
    veld_buf *out;
    uint64_t count;
    veld_sha256_stream hash;
} veld_frame_writer;

/* veld_frame_writer_begin: append magic (for a file) and version frame to `out`. `program` is name
 * and version of who writes, 1 to VELD_FRAME_PROGRAM_BYTES_MAX printable ASCII characters.
 * Owns:    borrows `out` until the end; between two calls the caller may send and clear what is in
 *          it. A writer that is not ended is given back with veld_frame_writer_abort.
 * Expects: VELD_E_LIMIT, VELD_E_CRYPTO, VELD_E_MEMORY, for all three; `out` is then as it was. */
veld_status veld_frame_writer_begin(veld_frame_writer *writer, veld_frame_carrier carrier,
    const char *program, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
/* veld_frame_writer_add: append one frame of any type but version and end. */
veld_status veld_frame_writer_add(veld_frame_writer *writer, veld_frame_type type, veld_span body,
    veld_error *err) VELD_MUST_CHECK;
/* veld_frame_writer_end: append the end frame; the writer is done. */
veld_status veld_frame_writer_end(veld_frame_writer *writer, veld_error *err) VELD_MUST_CHECK;
/* veld_frame_writer_abort: fine on a zeroed, ended or aborted writer. */
void veld_frame_writer_abort(veld_frame_writer *writer);

/* ---- reading ---- */
typedef struct veld_frame {
    uint64_t type; /* a veld_frame_type, or one of a newer program: skip it */
    veld_span body;
} veld_frame;

typedef enum veld_frame_state {
    VELD_FRAME_MAGIC, /* a file's magic is expected */
    VELD_FRAME_FIRST, /* the version frame is expected */
    VELD_FRAME_OPEN,  /* any frame */
    VELD_FRAME_ENDED, /* the end frame was right */
    VELD_FRAME_BROKEN /* a failure was told; nothing more is read */
} veld_frame_state;

/* Push parser: bytes in as they come, frames out as they are whole. Memory: one frame. */
typedef struct veld_frame_reader {
    veld_frame_state state;
    veld_buf pending; /* not yet read */
    size_t at;        /* what of it was given out */
    uint64_t count;
    uint64_t major, minor; /* of the peer, once the version frame was read */
    char program[VELD_FRAME_PROGRAM_BYTES_MAX + 1];
    veld_sha256_stream hash;
} veld_frame_reader;

/* veld_frame_reader_init: expects VELD_E_CRYPTO, VELD_E_MEMORY. Release it on every path. */
veld_status veld_frame_reader_init(
    veld_frame_reader *reader, veld_frame_carrier carrier, veld_error *err) VELD_MUST_CHECK;
/* veld_frame_reader_release: fine on a zeroed struct and twice. */
void veld_frame_reader_release(veld_frame_reader *reader);

/* veld_frame_reader_add: take some more bytes, at most VELD_FRAME_BYTES_MAX at once; frames given
 * out before are gone. Call veld_frame_reader_next until it has none before adding more.
 * Expects: VELD_E_LIMIT, VELD_E_MEMORY. */
veld_status veld_frame_reader_add(
    veld_frame_reader *reader, veld_span bytes, veld_error *err) VELD_MUST_CHECK;

/* veld_frame_reader_next: the next whole frame: `*have` says whether there is one. Version and end
 * frames are checked and not given out.
 * Owns:    `frame->body` is a view that the next add or release ends.
 * Expects: VELD_E_FORM (also bytes behind the end), VELD_E_LIMIT (frame or number of frames),
 *          VELD_E_NEWER (the peer's major; the text names both versions), VELD_E_DAMAGED (the end
 *          frame does not fit what came before), VELD_E_CRYPTO, VELD_E_MEMORY. After an error the
 *          reader is broken and says VELD_E_FORM. */
veld_status veld_frame_reader_next(
    veld_frame_reader *reader, veld_frame *frame, bool *have, veld_error *err) VELD_MUST_CHECK;

/* veld_frame_reader_finish: the carrier has no more bytes: was the stream whole?
 * Expects: VELD_E_DAMAGED (cut before its end). */
veld_status veld_frame_reader_finish(
    const veld_frame_reader *reader, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
