/* frame_inner.h: what reading and writing frames share. Inside the wire room. */
#ifndef VELD_WIRE_FRAME_INNER_H
#define VELD_WIRE_FRAME_INNER_H

#define VELD_FRAME_MAGIC_TEXT "VKB1"

enum { VELD_FRAME_MAGIC_BYTES = 4, VELD_FRAME_VERSION_BYTES_MAX = 128 };

#endif
