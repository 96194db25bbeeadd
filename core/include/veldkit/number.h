/* number.h: integers in memory and checked arithmetic on sizes. */
#ifndef VELDKIT_NUMBER_H
#define VELDKIT_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Big-endian, as every fixed layout of ours. */
void veld_put_u16(uint8_t *out, uint16_t value);
void veld_put_u32(uint8_t *out, uint32_t value);
void veld_put_u64(uint8_t *out, uint64_t value);
uint16_t veld_get_u16(const uint8_t *in);
uint32_t veld_get_u32(const uint8_t *in);
uint64_t veld_get_u64(const uint8_t *in);

/* True and `*out` set when the result fits; false and `*out` untouched when it does not. */
bool veld_size_add(size_t a, size_t b, size_t *out);
bool veld_size_multiply(size_t a, size_t b, size_t *out);

#ifdef __cplusplus
}
#endif
#endif
