/* How much guessing a passphrase is worth: an estimate by its form. It must never flatter what
 * people usually do (a word and a year, a row of the keyboard, one word twice), and cannot know
 * what an attacker knows about the person: hence "upper bound". Bits are counted in sixteenths, so
 * that the library needs no floating point. */
#include <ctype.h>
#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/keystore.h"
#include "veldkit/limits.h"
#include "veldkit/number.h"
#include "words.h"

enum {
    SIXTEENTHS = 16,
    REPEATED = 4,        /* a quarter of a bit */
    LETTER_OF_WORD = 40, /* 2.5 bits: a letter of text that reads like a language */
    WORD_BETWEEN = 206,  /* 12.9 bits: a word from a list of 7,776 */
    WORD_COMMON = 112,   /* 7 bits */
    WORD_LETTERS_MIN = 3,
    WORD_LETTERS_MAX = 12, /* more is counted as the next word */
    CONSONANTS_MAX = 4,
    REPEAT_MIN = 3
};

/* What lists of broken passwords begin with, in Dutch and English. Lower case. */
static const char *const common_words[] = {"password", "wachtwoord", "welkom", "welcome", "geheim",
    "secret", "admin", "login", "letmein", "iloveyou", "dragon", "monkey", "master", "qwerty",
    "azerty", "asdf", "zxcv", "abc", "veilig", "thuis", "veldkit", "tablet", "amsterdam",
    "rotterdam", "utrecht", "denhaag", "holland", "nederland", "feyenoord", "ajax", "psv", "lente",
    "zomer", "herfst", "winter", "spring", "summer", "autumn", "januari", "februari", "maart",
    "april", "juni", "juli", "augustus", "september", "oktober", "november", "december", "maandag",
    "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag", "test",
    "correcthorsebatterystaple"};

static const char *const rows[] = {"qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890"};

static unsigned log2_sixteenths(unsigned value)
{
    unsigned whole = 0;
    while (value >> (whole + 1) != 0)
        whole++;
    uint64_t rest = ((uint64_t)value << 31) >> whole; /* 1.0 to 2.0, 31 bits behind the point */
    unsigned bits = whole;
    for (int i = 0; i < 4; i++) {
        rest = (rest * rest) >> 31;
        bits <<= 1;
        if (rest >> 32 != 0) {
            rest >>= 1;
            bits |= 1;
        }
    }
    return bits;
}

static unsigned pool_bits(veld_span text)
{
    bool digit = false, lower = false, upper = false, other = false, foreign = false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        digit = digit || (c >= '0' && c <= '9');
        lower = lower || (c >= 'a' && c <= 'z');
        upper = upper || (c >= 'A' && c <= 'Z');
        foreign = foreign || c >= 0x80;
        other = other || (c < 0x80 && !isalnum(c));
    }
    unsigned pool = (digit ? 10u : 0u) + (lower ? 26u : 0u) + (upper ? 26u : 0u) +
                    (other ? 33u : 0u) + (foreign ? 64u : 0u);
    return log2_sixteenths(pool > 1 ? pool : 2);
}

static uint8_t folded(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

static bool is_letter(uint8_t c)
{
    return folded(c) >= 'a' && folded(c) <= 'z';
}

static bool keyboard_neighbours(uint8_t a, uint8_t b)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *place = strchr(rows[i], folded(a));
        if (folded(a) != 0 && place != NULL &&
            (place[1] == (char)folded(b) || (place > rows[i] && place[-1] == (char)folded(b))))
            return true;
    }
    return false;
}

/* Do the REPEAT_MIN bytes from `start` stand somewhere before? */
static bool stood_before(veld_span text, size_t start)
{
    for (size_t at = 0; at < start; at++) {
        size_t same = 0;
        while (same < REPEAT_MIN && start + same < text.len &&
               folded(text.data[at + same]) == folded(text.data[start + same]))
            same++;
        if (same == REPEAT_MIN)
            return true;
    }
    return false;
}

/* What byte `i` is worth at most: little when it follows from the one before it, next to nothing in
 * a piece that stood there before. */
static unsigned worth(veld_span text, size_t i, unsigned most)
{
    for (size_t back = 0; back < REPEAT_MIN && back <= i; back++) {
        if (stood_before(text, i - back))
            return REPEATED;
    }
    if (i == 0)
        return most;
    int step = (int)folded(text.data[i]) - (int)folded(text.data[i - 1]);
    if ((step >= -1 && step <= 1) || keyboard_neighbours(text.data[i - 1], text.data[i]))
        return SIXTEENTHS;
    return most;
}

/* The longest common word that starts at `i`, as a number of bytes; 0 when none does. */
static size_t common_word_at(veld_span text, size_t i)
{
    size_t longest = 0;
    for (size_t w = 0; w < sizeof common_words / sizeof common_words[0]; w++) {
        size_t len = strlen(common_words[w]), same = 0;
        while (same < len && i + same < text.len &&
               folded(text.data[i + same]) == (uint8_t)common_words[w][same])
            same++;
        if (same == len && len > longest)
            longest = len;
    }
    return longest;
}

static bool is_small(uint8_t c)
{
    return c >= 'a' && c <= 'z';
}

/* In words that are all small, all capitals or begin with one? Letters drawn at random stand in
 * pieces that no person writes. */
static bool has_case_of_words(veld_span letters)
{
    size_t in_words = 0;
    for (size_t from = 0, to; from < letters.len; from = to) {
        to = from + 1;
        bool small = to < letters.len && is_small(letters.data[to]);
        while (to < letters.len && is_small(letters.data[to]) == small)
            to++;
        in_words += to - from >= WORD_LETTERS_MIN ? to - from : 0;
    }
    return in_words * 4 >= letters.len * 3;
}

static bool reads_like_language(veld_span letters)
{
    size_t vowels = 0, run = 0, longest = 0;
    for (size_t i = 0; i < letters.len; i++) {
        bool vowel = strchr("aeiouy", folded(letters.data[i])) != NULL;
        vowels += vowel;
        run = vowel ? 0 : run + 1;
        longest = run > longest ? run : longest;
    }
    return longest <= CONSONANTS_MAX && vowels * 5 >= letters.len && has_case_of_words(letters);
}

/* The letters [from, from + len): by the pool, or as text of a language, or as one word. */
static unsigned letters_bits(veld_span text, size_t from, size_t len, unsigned each)
{
    unsigned total = 0;
    veld_span letters = veld_span_part(text, from, len);
    if (len >= WORD_LETTERS_MIN && reads_like_language(letters) && each > LETTER_OF_WORD)
        each = LETTER_OF_WORD;
    for (size_t i = 0; i < len;) {
        size_t word = common_word_at(letters, i);
        if (word > 0) {
            total += worth(text, from + i, WORD_COMMON);
            i += word;
            continue;
        }
        total += worth(text, from + i, each);
        i++;
    }
    bool starts = from == 0 || text.data[from - 1] < 0x80;
    bool ends = from + len == text.len || text.data[from + len] < 0x80;
    bool alone = len < text.len && starts && ends && reads_like_language(letters);
    unsigned as_words = WORD_BETWEEN * (unsigned)((len + WORD_LETTERS_MAX - 1) / WORD_LETTERS_MAX);
    return alone && total > as_words ? as_words : total;
}

unsigned veld_passphrase_bits(veld_span passphrase)
{
    if (passphrase.len > VELD_PIN_BYTES_MAX)
        passphrase.len = VELD_PIN_BYTES_MAX;
    unsigned each = pool_bits(passphrase), total = 0;
    for (size_t i = 0; i < passphrase.len;) {
        size_t len = 0;
        while (i + len < passphrase.len && is_letter(passphrase.data[i + len]))
            len++;
        if (len > 0) {
            total += letters_bits(passphrase, i, len, each);
            i += len;
            continue;
        }
        /* A separator between words says little: the same one usually stands everywhere. */
        bool separator = strchr(" -_.,", passphrase.data[i]) != NULL;
        total += worth(passphrase, i, separator ? SIXTEENTHS : each);
        i++;
    }
    return total / SIXTEENTHS;
}

veld_status veld_passphrase_check(
    veld_keystore_strength strength, veld_span passphrase, veld_error *err)
{
    if (passphrase.len > VELD_PIN_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "the passphrase is longer than %u bytes",
            (unsigned)VELD_PIN_BYTES_MAX);
    if (strength == VELD_KEYSTORE_HARDWARE) {
        if (passphrase.len < VELD_PIN_LENGTH_MIN)
            return veld_fail(
                err, VELD_E_WEAK, "use a PIN of at least %u digits", VELD_PIN_LENGTH_MIN);
        return VELD_OK;
    }
    bool digits_only = true;
    for (size_t i = 0; i < passphrase.len; i++)
        digits_only = digits_only && passphrase.data[i] >= '0' && passphrase.data[i] <= '9';
    if (digits_only || veld_passphrase_bits(passphrase) < VELD_PASSPHRASE_BITS_MIN)
        return veld_fail(err, VELD_E_WEAK,
            "%s: without a hardware keystore use six words chosen at random",
            digits_only ? "digits only" : "too easy to guess");
    return VELD_OK;
}

static veld_status draw_words(const veld_env *env, veld_buf *out, veld_error *err)
{
    unsigned chosen[VELD_PASSPHRASE_WORDS];
    veld_status status = VELD_OK;
    for (size_t i = 0; i < VELD_PASSPHRASE_WORDS;) {
        uint8_t bytes[2];
        bool again = false;
        VELD_TRY(veld_env_random(env, bytes, sizeof bytes, err));
        chosen[i] = veld_get_u16(bytes) % STORE_WORDS;
        for (size_t k = 0; k < i; k++)
            again = again || chosen[k] == chosen[i];
        if (again)
            continue;
        if (i > 0)
            VELD_TRY(veld_buf_append_byte(out, '-'));
        VELD_TRY(veld_buf_append_text(out, store_words[chosen[i]]));
        i++;
    }

done:
    veld_wipe(chosen, sizeof chosen);
    return status;
}

/* 1024 x 1023 x ... x 1019 is a little under 60 bits. Words that look too much alike for our own
 * measure are drawn again: one draw in seven hundred, which costs next to nothing of a bit. */
veld_status veld_passphrase_generate(const veld_env *env, veld_buf *out, veld_error *err)
{
    enum { DRAWS_MAX = 100 };
    size_t start = out->len;
    veld_status status = VELD_OK;
    for (int draw = 0; draw < DRAWS_MAX; draw++) {
        out->len = start;
        VELD_TRY(draw_words(env, out, err));
        veld_span made = veld_span_part(veld_buf_span(out), start, out->len - start);
        if (veld_passphrase_bits(made) >= VELD_PASSPHRASE_BITS_MIN)
            return VELD_OK;
    }
    status = veld_fail(err, VELD_E_CRYPTO, "the random source gives the same words over and over");

done:
    return status;
}
