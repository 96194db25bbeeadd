/* What every test starts with: cmocka in the order it wants its headers, and short checks. */
#ifndef VELD_TEST_H
#define VELD_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "veldkit/status.h"

#define assert_ok(expression) assert_int_equal((expression), VELD_OK)

#endif
