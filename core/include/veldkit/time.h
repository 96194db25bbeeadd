/* time.h: instants and civil dates, without a clock and without a time-zone database.
 *
 * An instant is a signed 64-bit count of milliseconds since 1970-01-01T00:00:00Z. Where a person
 * wrote a time down, the offset from UTC that she saw travels with it. */
#ifndef VELDKIT_TIME_H
#define VELDKIT_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A civil date in the proleptic Gregorian calendar. */
typedef struct veld_date {
    int32_t year;  /* 0 to 9999 */
    int32_t month; /* 1 to 12 */
    int32_t day;   /* 1 to 31 */
} veld_date;

typedef struct veld_instant {
    int64_t utc_ms;
    int32_t offset_min; /* minutes east of UTC, -1439 to 1439 */
} veld_instant;

enum { VELD_INSTANT_TEXT_SIZE = 30, VELD_DATE_TEXT_SIZE = 11, VELD_MOMENT_TEXT_SIZE = 20 };

/* veld_date_to_days: days since 1970-01-01.  veld_date_from_days: the way back. */
int64_t veld_date_to_days(veld_date date);
veld_date veld_date_from_days(int64_t days);
/* veld_date_is_valid: the day exists. */
bool veld_date_is_valid(veld_date date);
/* veld_date_parse: YYYY-MM-DD of a day that exists. Expects: VELD_E_FORM. */
veld_status veld_date_parse(veld_span text, veld_date *out) VELD_MUST_CHECK;
void veld_date_format(veld_date date, char out[VELD_DATE_TEXT_SIZE]);

/* veld_instant_parse: RFC 3339 with upper-case T, seconds, at most three decimals, and an offset
 * (Z or +hh:mm); a leap second is refused. Years 0000 to 9999. Expects: VELD_E_FORM. */
veld_status veld_instant_parse(veld_span text, veld_instant *out) VELD_MUST_CHECK;
/* veld_instant_format: RFC 3339 in the instant's own offset, always with milliseconds; offset 0 is
 * written Z. An instant outside the years 0000 to 9999 is shown at that end. */
void veld_instant_format(veld_instant instant, char out[VELD_INSTANT_TEXT_SIZE]);

/* veld_dutch_offset_min: minutes east of UTC in the Netherlands: 60, and 120 in summer, from the
 * last Sunday of March to that of October, each at 01:00 UTC (Directive 2000/84/EC); the same for
 * years in which the rule was another.
 *
 * veld_moment_format: for people, YYYY-MM-DD hh:mm:ss as clocks in the Netherlands show it, so that
 * an agency reads one time whatever zone its machines are set to.
 *
 * veld_moment_parse: what a person types: such a moment (in the hour that comes twice the first),
 * or RFC 3339 as veld_instant_parse.  Expects: VELD_E_FORM.
 *
 * veld_moment_of_day: when a day begins there. */
int32_t veld_dutch_offset_min(int64_t utc_ms);
void veld_moment_format(int64_t utc_ms, char out[VELD_MOMENT_TEXT_SIZE]);
veld_status veld_moment_parse(veld_span text, int64_t *utc_ms) VELD_MUST_CHECK;
int64_t veld_moment_of_day(veld_date date);

#ifdef __cplusplus
}
#endif
#endif
