/* shake128.h: SHAKE-128 (FIPS 202) for the randomised vectors of XAES; for nothing else. */
#ifndef TEST_SHAKE128_H
#define TEST_SHAKE128_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct test_shake128 {
    uint8_t state[200];
    size_t at;
    bool reading;
} test_shake128;

void test_shake128_init(test_shake128 *shake);
void test_shake128_write(test_shake128 *shake, const uint8_t *bytes, size_t len);
/* Once read from, a sponge takes no more bytes. */
void test_shake128_read(test_shake128 *shake, uint8_t *out, size_t len);

#endif
