/* envelope_header.h: writing the header; reading it is public. Inside the wire room. */
#ifndef VELD_WIRE_ENVELOPE_HEADER_H
#define VELD_WIRE_ENVELOPE_HEADER_H

#include "veldkit/envelope.h"

void veld_envelope_write_header(
    const veld_envelope_header *header, uint8_t out[VELD_ENVELOPE_HEADER_BYTES]);

#endif
