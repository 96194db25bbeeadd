/* A key on paper: words out of bits and back. Errors name lines and words by number only, since the
 * words themselves are the secret. */
#include "veldkit/paper.h"

#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/context.h"
#include "veldkit/hash.h"
#include "words.h"

enum {
    WORD_BITS = 10,
    DATA_WORDS = VELD_PAPER_WORDS - 1,
    LINE_BYTES = DATA_WORDS * WORD_BITS / 8,
    CHECK_BYTES = 2,
    PAYLOAD_BYTES = VELD_PAPER_LINES * LINE_BYTES,
    WORD_BYTES_MAX = 16,
    LINE_WORDS_MAX = 16
};
_Static_assert(PAYLOAD_BYTES == 1 + VELD_P256_PRIVATE_BYTES + CHECK_BYTES, "a key fills the lines");
_Static_assert(STORE_WORDS == 1 << WORD_BITS, "a word is ten bits");

/* Over kind and key. */
static veld_status check_of(
    const uint8_t payload[PAYLOAD_BYTES], uint8_t out[CHECK_BYTES], veld_error *err)
{
    veld_hash hash;
    const veld_span part = veld_span_of(payload, PAYLOAD_BYTES - CHECK_BYTES);
    veld_status status = veld_hash_named(VELD_CONTEXT_HASH_PAPER, &part, 1, &hash, err);
    if (status == VELD_OK)
        memcpy(out, hash.bytes, CHECK_BYTES);
    veld_wipe(&hash, sizeof hash);
    return status;
}

/* The word that says whether a line is right. */
static veld_status line_check(unsigned line, const uint8_t *bytes, unsigned *word, veld_error *err)
{
    veld_hash hash;
    const uint8_t number = (uint8_t)(line + 1);
    const veld_span parts[] = {veld_span_of(&number, 1), veld_span_of(bytes, LINE_BYTES)};
    veld_status status = veld_hash_named(VELD_CONTEXT_HASH_PAPER_LINE, parts, 2, &hash, err);
    if (status == VELD_OK)
        *word = (unsigned)(hash.bytes[0] << 8 | hash.bytes[1]) >> (16 - WORD_BITS);
    veld_wipe(&hash, sizeof hash);
    return status;
}

static void split_line(const uint8_t *bytes, unsigned words[DATA_WORDS])
{
    uint64_t bits = 0;
    for (size_t i = 0; i < LINE_BYTES; i++)
        bits = bits << 8 | bytes[i];
    for (size_t i = 0; i < DATA_WORDS; i++)
        words[i] = (unsigned)(bits >> (WORD_BITS * (DATA_WORDS - 1 - i))) % STORE_WORDS;
}

static void join_line(const unsigned words[DATA_WORDS], uint8_t *bytes)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < DATA_WORDS; i++)
        bits = bits << WORD_BITS | words[i];
    for (size_t i = 0; i < LINE_BYTES; i++)
        bytes[i] = (uint8_t)(bits >> (8 * (LINE_BYTES - 1 - i)));
}

veld_status veld_paper_write(
    veld_paper_kind kind, const veld_p256_private *key, veld_buf *out, veld_error *err)
{
    uint8_t payload[PAYLOAD_BYTES] = {(uint8_t)kind};
    unsigned words[VELD_PAPER_WORDS];
    veld_status status;
    VELD_ASSERT(key->scalar.len == VELD_P256_PRIVATE_BYTES);
    memcpy(payload + 1, key->scalar.data, VELD_P256_PRIVATE_BYTES);
    VELD_TRY(check_of(payload, payload + PAYLOAD_BYTES - CHECK_BYTES, err));
    for (unsigned line = 0; line < VELD_PAPER_LINES; line++) {
        const uint8_t *bytes = payload + line * LINE_BYTES;
        split_line(bytes, words);
        VELD_TRY(line_check(line, bytes, &words[DATA_WORDS], err));
        VELD_TRY(veld_buf_append_format(out, "%u.", line + 1));
        for (size_t i = 0; i < VELD_PAPER_WORDS; i++) {
            VELD_TRY(veld_buf_append_byte(out, ' '));
            VELD_TRY(veld_buf_append_text(out, store_words[words[i]]));
        }
        VELD_TRY(veld_buf_append_byte(out, '\n'));
    }

done:
    veld_wipe(payload, sizeof payload);
    veld_wipe(words, sizeof words);
    return status;
}

/* ---- reading ---- */
static bool is_letter(uint8_t sign)
{
    return (sign >= 'a' && sign <= 'z') || (sign >= 'A' && sign <= 'Z');
}

/* What may stand around words: the number of the line, and white space. */
static bool is_between(uint8_t sign)
{
    return sign == ' ' || sign == '\t' || sign == '\r' || sign == '.' || sign == ')' ||
           (sign >= '0' && sign <= '9');
}

/* STORE_WORDS when it is none of the list. */
static unsigned find_word(const char *typed)
{
    unsigned at = 0;
    while (at < STORE_WORDS && strcmp(store_words[at], typed) != 0)
        at++;
    return at;
}

/* Where reading is: the next byte, and the number of the line for who typed it. */
typedef struct typed_text {
    veld_span text;
    size_t at;
    unsigned line;
} typed_text;

/* The words of the next line that is not empty; none at the end. */
static veld_status next_line(
    typed_text *from, unsigned words[LINE_WORDS_MAX], size_t *count, veld_error *err)
{
    char word[WORD_BYTES_MAX];
    veld_status status = VELD_OK;
    *count = 0;
    while (from->at < from->text.len) {
        uint8_t sign = from->text.data[from->at];
        if (sign == '\n' && *count > 0)
            break;
        if (sign == '\n' || is_between(sign)) {
            from->at++;
            continue;
        }
        size_t len = 0;
        for (; from->at < from->text.len && is_letter(from->text.data[from->at]); from->at++)
            if (len++ < WORD_BYTES_MAX - 1)
                word[len - 1] = (char)(from->text.data[from->at] | 0x20);
        word[len < WORD_BYTES_MAX ? len : 0] = '\0';
        unsigned number = find_word(word);
        if (len == 0 || number == STORE_WORDS || *count == LINE_WORDS_MAX) {
            status = veld_fail(err, VELD_E_FORM,
                "regel %u, woord %zu: dit is geen woord van de lijst; kijk het na op het papier",
                from->line + 1, *count + 1);
            break;
        }
        words[(*count)++] = number;
    }
    veld_wipe(word, sizeof word);
    return status;
}

static veld_status read_line(typed_text *from, uint8_t *bytes, veld_error *err)
{
    unsigned words[LINE_WORDS_MAX], check = 0;
    size_t count = 0;
    veld_status status;
    VELD_TRY(next_line(from, words, &count, err));
    if (count != VELD_PAPER_WORDS) {
        status = veld_fail(err, VELD_E_FORM, "regel %u heeft %zu woorden; het zijn er %d",
            from->line + 1, count, VELD_PAPER_WORDS);
        goto done;
    }
    join_line(words, bytes);
    VELD_TRY(line_check(from->line, bytes, &check, err));
    if (check != words[DATA_WORDS])
        status = veld_fail(err, VELD_E_FORM,
            "regel %u klopt niet: een van de vijf woorden is een ander, of de regels zijn "
            "verwisseld",
            from->line + 1);
    from->line++;

done:
    veld_wipe(words, sizeof words);
    return status;
}

static veld_status read_payload(
    const uint8_t payload[PAYLOAD_BYTES], veld_p256_private *out, veld_error *err)
{
    uint8_t check[CHECK_BYTES];
    veld_status status;
    VELD_TRY(check_of(payload, check, err));
    if (memcmp(check, payload + PAYLOAD_BYTES - CHECK_BYTES, CHECK_BYTES) != 0) {
        status = veld_fail(err, VELD_E_FORM,
            "de regels horen niet bij elkaar, of een woord is een ander; kijk alle regels na");
        goto done;
    }
    if (payload[0] != VELD_PAPER_ROOT && payload[0] != VELD_PAPER_RECOVERY) {
        status = veld_fail(err, VELD_E_NEWER, "dit papier is van een andere soort sleutel");
        goto done;
    }
    status = veld_p256_import(veld_span_of(payload + 1, VELD_P256_PRIVATE_BYTES), out, err);

done:
    return status;
}

veld_status veld_paper_read(
    veld_span text, veld_paper_kind *kind, veld_p256_private *out, veld_error *err)
{
    uint8_t payload[PAYLOAD_BYTES] = {0};
    unsigned rest[LINE_WORDS_MAX];
    size_t count = 0;
    veld_p256_private key = {0};
    typed_text from = {.text = text};
    veld_status status;
    if (text.len > VELD_PAPER_TEXT_MAX)
        return veld_fail(err, VELD_E_LIMIT, "dit is meer dan de zeven regels van een sleutel");
    for (size_t line = 0; line < VELD_PAPER_LINES; line++)
        VELD_TRY(read_line(&from, payload + line * LINE_BYTES, err));
    VELD_TRY(next_line(&from, rest, &count, err));
    if (count > 0) {
        status = veld_fail(err, VELD_E_FORM, "na regel %u hoort niets meer", from.line);
        goto done;
    }
    VELD_TRY(read_payload(payload, &key, err));
    *kind = (veld_paper_kind)payload[0];
    *out = key;

done:
    veld_wipe(payload, sizeof payload);
    veld_wipe(rest, sizeof rest);
    return status;
}
