/* Fixed layouts are big-endian everywhere, whatever the machine. */
#include "veldkit/number.h"

void veld_put_u16(uint8_t *out, uint16_t value)
{
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
}

void veld_put_u32(uint8_t *out, uint32_t value)
{
    veld_put_u16(out, (uint16_t)(value >> 16));
    veld_put_u16(out + 2, (uint16_t)value);
}

void veld_put_u64(uint8_t *out, uint64_t value)
{
    veld_put_u32(out, (uint32_t)(value >> 32));
    veld_put_u32(out + 4, (uint32_t)value);
}

uint16_t veld_get_u16(const uint8_t *in)
{
    return (uint16_t)((in[0] << 8) | in[1]);
}

uint32_t veld_get_u32(const uint8_t *in)
{
    return ((uint32_t)veld_get_u16(in) << 16) | veld_get_u16(in + 2);
}

uint64_t veld_get_u64(const uint8_t *in)
{
    return ((uint64_t)veld_get_u32(in) << 32) | veld_get_u32(in + 4);
}

bool veld_size_add(size_t a, size_t b, size_t *out)
{
    if (b > SIZE_MAX - a)
        return false;
    *out = a + b;
    return true;
}

bool veld_size_multiply(size_t a, size_t b, size_t *out)
{
    if (a != 0 && b > SIZE_MAX / a)
        return false;
    *out = a * b;
    return true;
}
