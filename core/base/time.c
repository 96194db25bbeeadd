/* Civil dates and RFC 3339 without the C library's calendar, which depends on locale and zone and
 * on a 32-bit time_t fails in 2038. Day counts follow the usual era-of-400-years arithmetic. */
#include "veldkit/time.h"

#include <stdio.h>
#include <string.h>

#include "veldkit/assert.h"

enum {
    DAYS_PER_ERA = 146097,
    DAYS_TO_1970 = 719468, /* from 0000-03-01 */
    MS_PER_DAY = 86400000,
    MS_PER_MINUTE = 60000,
    OFFSET_MAX_MIN = 1439
};

int64_t veld_date_to_days(veld_date date)
{
    int64_t year = date.year - (date.month <= 2);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t month_from_march = (date.month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_1970;
}

veld_date veld_date_from_days(int64_t days)
{
    VELD_ASSERT(days > INT64_MIN + DAYS_PER_ERA && days < INT64_MAX - DAYS_TO_1970);
    days += DAYS_TO_1970;
    int64_t era = (days >= 0 ? days : days - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    int64_t day_of_era = days - era * DAYS_PER_ERA;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    return (veld_date){
        .year = (int32_t)(year_of_era + era * 400 + (month <= 2)),
        .month = (int32_t)month,
        .day = (int32_t)(day_of_year - (153 * month_from_march + 2) / 5 + 1),
    };
}

static int32_t days_in_month(int32_t year, int32_t month)
{
    static const int32_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

bool veld_date_is_valid(veld_date date)
{
    return date.year >= 0 && date.year <= 9999 && date.month >= 1 && date.month <= 12 &&
           date.day >= 1 && date.day <= days_in_month(date.year, date.month);
}

/* Exactly `count` digits at `at`; -1 when there is anything else. */
static int32_t digits(veld_span text, size_t at, size_t count)
{
    if (at > text.len || count > text.len - at)
        return -1;
    int32_t value = 0;
    for (size_t i = at; i < at + count; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return -1;
        value = value * 10 + (text.data[i] - '0');
    }
    return value;
}

static bool is_at(veld_span text, size_t at, char c)
{
    return at < text.len && text.data[at] == (uint8_t)c;
}

veld_status veld_date_parse(veld_span text, veld_date *out)
{
    veld_date date = {digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2)};
    if (text.len != 10 || !is_at(text, 4, '-') || !is_at(text, 7, '-') || !veld_date_is_valid(date))
        return VELD_E_FORM;
    *out = date;
    return VELD_OK;
}

void veld_date_format(veld_date date, char out[VELD_DATE_TEXT_SIZE])
{
    VELD_ASSERT(veld_date_is_valid(date));
    int len = snprintf(out, VELD_DATE_TEXT_SIZE, "%04d-%02d-%02d", (int)date.year % 10000,
        (int)date.month % 100, (int)date.day % 100);
    VELD_ASSERT(len == VELD_DATE_TEXT_SIZE - 1);
}

/* The decimals behind the seconds; moves `at` behind them. -1 when malformed. */
static int32_t parse_decimals(veld_span text, size_t *at)
{
    if (!is_at(text, *at, '.'))
        return 0;
    size_t start = *at + 1;
    size_t end = start;
    while (end < text.len && end < start + 3 && text.data[end] >= '0' && text.data[end] <= '9')
        end++;
    if (end == start)
        return -1;
    int32_t value = digits(text, start, end - start);
    for (size_t i = end - start; i < 3; i++)
        value *= 10;
    *at = end;
    return value;
}

/* Z or +hh:mm up to the end of the text. */
static bool parse_offset(veld_span text, size_t at, int32_t *offset_min)
{
    if (is_at(text, at, 'Z') && text.len == at + 1) {
        *offset_min = 0;
        return true;
    }
    bool east = is_at(text, at, '+');
    int32_t hours = digits(text, at + 1, 2);
    int32_t minutes = digits(text, at + 4, 2);
    if ((!east && !is_at(text, at, '-')) || !is_at(text, at + 3, ':') || text.len != at + 6 ||
        hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
        return false;
    *offset_min = (east ? 1 : -1) * (hours * 60 + minutes);
    return true;
}

veld_status veld_instant_parse(veld_span text, veld_instant *out)
{
    veld_date date;
    veld_status status = veld_date_parse(veld_span_part(text, 0, 10), &date);
    if (status != VELD_OK)
        return status;
    int32_t hour = digits(text, 11, 2);
    int32_t minute = digits(text, 14, 2);
    int32_t second = digits(text, 17, 2);
    size_t at = 19;
    int32_t ms = parse_decimals(text, &at);
    int32_t offset_min = 0;
    if (!is_at(text, 10, 'T') || !is_at(text, 13, ':') || !is_at(text, 16, ':') || hour < 0 ||
        hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 || ms < 0 ||
        !parse_offset(text, at, &offset_min))
        return VELD_E_FORM;
    int64_t of_day = (((int64_t)hour * 60 + minute) * 60 + second) * 1000 + ms;
    out->utc_ms =
        veld_date_to_days(date) * MS_PER_DAY + of_day - (int64_t)offset_min * MS_PER_MINUTE;
    out->offset_min = offset_min;
    return VELD_OK;
}

void veld_instant_format(veld_instant instant, char out[VELD_INSTANT_TEXT_SIZE])
{
    VELD_ASSERT(instant.offset_min >= -OFFSET_MAX_MIN && instant.offset_min <= OFFSET_MAX_MIN);
    const int64_t first = veld_date_to_days((veld_date){0, 1, 1}) * MS_PER_DAY;
    const int64_t last = veld_date_to_days((veld_date){9999, 12, 31}) * MS_PER_DAY + MS_PER_DAY - 1;
    int64_t shift = (int64_t)instant.offset_min * MS_PER_MINUTE;
    int64_t local = instant.utc_ms;
    if (local < first - shift)
        local = first;
    else if (local > last - shift)
        local = last;
    else
        local += shift;

    int64_t days = local / MS_PER_DAY - (local % MS_PER_DAY < 0);
    int64_t of_day = local - days * MS_PER_DAY;
    char date[VELD_DATE_TEXT_SIZE];
    veld_date_format(veld_date_from_days(days), date);
    int len = snprintf(out, VELD_INSTANT_TEXT_SIZE, "%sT%02d:%02d:%02d.%03d", date,
        (int)(of_day / 3600000), (int)(of_day / 60000 % 60), (int)(of_day / 1000 % 60),
        (int)(of_day % 1000));
    int size = instant.offset_min < 0 ? -instant.offset_min : instant.offset_min;
    if (size == 0)
        snprintf(out + len, (size_t)(VELD_INSTANT_TEXT_SIZE - len), "Z");
    else
        snprintf(out + len, (size_t)(VELD_INSTANT_TEXT_SIZE - len), "%c%02d:%02d",
            instant.offset_min < 0 ? '-' : '+', size / 60, size % 60);
}

/* 01:00 UTC on the last Sunday of a month of 31 days. */
static int64_t last_sunday_ms(int32_t year, int32_t month)
{
    int64_t days = veld_date_to_days((veld_date){year, month, 31});
    int64_t past_sunday = (days + 4) % 7; /* day 0 was a Thursday */
    if (past_sunday < 0)
        past_sunday += 7;
    return (days - past_sunday) * MS_PER_DAY + 3600000;
}

int32_t veld_dutch_offset_min(int64_t utc_ms)
{
    int64_t days = utc_ms / MS_PER_DAY - (utc_ms % MS_PER_DAY < 0);
    int32_t year = veld_date_from_days(days).year;
    if (year < 0 || year > 9999)
        return 60; /* nothing that a summer would be counted in */
    bool summer = utc_ms >= last_sunday_ms(year, 3) && utc_ms < last_sunday_ms(year, 10);
    return summer ? 120 : 60;
}

void veld_moment_format(int64_t utc_ms, char out[VELD_MOMENT_TEXT_SIZE])
{
    char text[VELD_INSTANT_TEXT_SIZE];
    veld_instant_format((veld_instant){utc_ms, veld_dutch_offset_min(utc_ms)}, text);
    memcpy(out, text, VELD_MOMENT_TEXT_SIZE - 1);
    out[VELD_DATE_TEXT_SIZE - 1] = ' '; /* where the T stood */
    out[VELD_MOMENT_TEXT_SIZE - 1] = '\0';
}

/* Of two that a clock shows so the first, when it is summer still. */
static int64_t from_dutch_clock(int64_t shown_ms)
{
    const int64_t summer = shown_ms - 120 * (int64_t)MS_PER_MINUTE;
    return veld_dutch_offset_min(summer) == 120 ? summer : shown_ms - 60 * (int64_t)MS_PER_MINUTE;
}

veld_status veld_moment_parse(veld_span text, int64_t *utc_ms)
{
    char whole[VELD_MOMENT_TEXT_SIZE + 1];
    veld_instant instant;
    veld_status status = veld_instant_parse(text, &instant);
    if (status == VELD_OK) {
        *utc_ms = instant.utc_ms;
    } else if (text.len == VELD_MOMENT_TEXT_SIZE - 1 && text.data[VELD_DATE_TEXT_SIZE - 1] == ' ') {
        memcpy(whole, text.data, text.len);
        whole[VELD_DATE_TEXT_SIZE - 1] = 'T';
        whole[text.len] = 'Z';
        status = veld_instant_parse(veld_span_of(whole, text.len + 1), &instant);
        if (status == VELD_OK)
            *utc_ms = from_dutch_clock(instant.utc_ms);
    }
    return status;
}

int64_t veld_moment_of_day(veld_date date)
{
    return from_dutch_clock(veld_date_to_days(date) * MS_PER_DAY);
}
