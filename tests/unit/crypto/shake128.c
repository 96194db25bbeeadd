/* Keccak-f[1600] and the SHAKE-128 sponge around it, written for shortness from FIPS 202. */
#include "shake128.h"

#include <string.h>

enum { RATE = 168, ROUNDS = 24 };

static uint64_t rotate(uint64_t x, unsigned n)
{
    return n == 0 ? x : (x << n) | (x >> (64 - n));
}

/* Section 3.2.5: the round constant's bits come from a small shift register. */
static uint64_t round_constant(uint8_t *lfsr)
{
    uint64_t constant = 0;
    for (unsigned j = 0; j < 7; j++) {
        if (*lfsr & 1)
            constant ^= (uint64_t)1 << ((1u << j) - 1);
        *lfsr = (uint8_t)((*lfsr << 1) ^ ((*lfsr & 0x80) ? 0x71 : 0));
    }
    return constant;
}

static void theta(uint64_t a[25])
{
    uint64_t c[5];
    for (size_t x = 0; x < 5; x++)
        c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
    for (size_t x = 0; x < 5; x++)
        for (size_t y = 0; y < 5; y++)
            a[x + 5 * y] ^= c[(x + 4) % 5] ^ rotate(c[(x + 1) % 5], 1);
}

static void rho_and_pi(uint64_t a[25])
{
    size_t x = 1;
    size_t y = 0;
    uint64_t moved = a[1];
    for (unsigned t = 0; t < 24; t++) {
        size_t next_y = (2 * x + 3 * y) % 5;
        x = y;
        y = next_y;
        uint64_t kept = a[x + 5 * y];
        a[x + 5 * y] = rotate(moved, (t + 1) * (t + 2) / 2 % 64);
        moved = kept;
    }
}

static void chi(uint64_t a[25])
{
    for (size_t y = 0; y < 25; y += 5) {
        uint64_t row[5];
        memcpy(row, a + y, sizeof row);
        for (size_t x = 0; x < 5; x++)
            a[y + x] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
    }
}

static void permute(uint8_t state[200])
{
    uint64_t a[25] = {0};
    uint8_t lfsr = 1;
    for (size_t i = 0; i < 200; i++)
        a[i / 8] |= (uint64_t)state[i] << (8 * (i % 8));
    for (int round = 0; round < ROUNDS; round++) {
        theta(a);
        rho_and_pi(a);
        chi(a);
        a[0] ^= round_constant(&lfsr);
    }
    for (size_t i = 0; i < 200; i++)
        state[i] = (uint8_t)(a[i / 8] >> (8 * (i % 8)));
}

void test_shake128_init(test_shake128 *shake)
{
    *shake = (test_shake128){0};
}

void test_shake128_write(test_shake128 *shake, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        shake->state[shake->at++] ^= bytes[i];
        if (shake->at == RATE) {
            permute(shake->state);
            shake->at = 0;
        }
    }
}

void test_shake128_read(test_shake128 *shake, uint8_t *out, size_t len)
{
    if (!shake->reading) {
        shake->state[shake->at] ^= 0x1F;
        shake->state[RATE - 1] ^= 0x80;
        permute(shake->state);
        shake->at = 0;
        shake->reading = true;
    }
    for (size_t i = 0; i < len; i++) {
        if (shake->at == RATE) {
            permute(shake->state);
            shake->at = 0;
        }
        out[i] = shake->state[shake->at++];
    }
}
