/* limits.h: every bound of the library in one place. A bound is a promise to both sides: what is
 * below it works, what is above it is refused with VELD_E_LIMIT before memory is spent. */
#ifndef VELDKIT_LIMITS_H
#define VELDKIT_LIMITS_H

/* JSON from outside (a dossier, an API body). */
#define VELD_JSON_BYTES_MAX   (8u << 20)
#define VELD_JSON_DEPTH_MAX   64u
#define VELD_JSON_MEMBERS_MAX 200000u /* members and elements of one document together */
#define VELD_JSON_POINTER_MAX 512u    /* bytes of a pointer in an error; longer is cut */

/* Cryptography. */
#define VELD_SEAL_BYTES_MAX     (16u << 20)
#define VELD_SIGNATURE_TEXT_MAX 4096u
#define VELD_JWS_BYTES_MAX      (1u << 20)

#endif
