/* A commit object back into the fields of a change. It exists to prove exported repositories, whose
 * bytes are anybody's. Strictness is not in the parser but in one comparison: what was understood
 * is written again by the writer of commit.c and must be the same bytes, so whatever the parser
 * lets through by being simple is refused there. Must not trust lengths, order or repetition. */
#include <string.h>

#include "commit_text.h"
#include "git.h"
#include "veldkit/assert.h"
#include "veldkit/context.h"
#include "veldkit/hash.h"
#include "veldkit/limits.h"
#include "veldkit/sshsig.h"
#include "veldkit/time.h"

typedef struct reader {
    veld_span rest;
    veld_arena *arena;
    veld_change *change;
    veld_p256_public *key;
    veld_error *err;
} reader;

static veld_status malformed(const reader *in, const char *what)
{
    return veld_fail(in->err, VELD_E_FORM, "a commit is not of our form: %s", what);
}

/* ---- small readers ---- */
static bool take_line(veld_span *rest, veld_span *line)
{
    const uint8_t *end = rest->len > 0 ? memchr(rest->data, '\n', rest->len) : NULL;
    if (end == NULL)
        return false;
    size_t len = (size_t)(end - rest->data);
    *line = veld_span_of(rest->data, len);
    *rest = veld_span_of(end + 1, rest->len - len - 1);
    return true;
}

/* Take the bytes up to the next space, or all; false when there are none. */
static bool take_word(veld_span *rest, veld_span *word)
{
    const uint8_t *end = rest->len > 0 ? memchr(rest->data, ' ', rest->len) : NULL;
    size_t len = end != NULL ? (size_t)(end - rest->data) : rest->len;
    *word = veld_span_of(rest->data, len);
    *rest = end != NULL ? veld_span_of(end + 1, rest->len - len - 1) : veld_span_of(NULL, 0);
    return len > 0;
}

static bool take_prefix(veld_span *line, const char *prefix)
{
    size_t len = strlen(prefix);
    if (line->len < len || memcmp(line->data, prefix, len) != 0)
        return false;
    *line = veld_span_of(line->data + len, line->len - len);
    return true;
}

static bool is_text(veld_span span, const char *text)
{
    return veld_span_equal(span, veld_span_text(text));
}

static bool read_u64(veld_span text, uint64_t *out)
{
    uint64_t value = 0;
    if (text.len == 0 || text.len > 20)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(text.data[i] - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

static bool read_i64(veld_span text, int64_t *out)
{
    uint64_t value;
    bool negative = take_prefix(&text, "-");
    if (!read_u64(text, &value) || value > (uint64_t)INT64_MAX + (negative ? 1 : 0))
        return false;
    if (negative)
        *out = value == 0 ? 0 : -(int64_t)(value - 1) - 1;
    else
        *out = (int64_t)value;
    return true;
}

static bool read_oid(veld_span text, veld_git_oid *out)
{
    return veld_hex_decode(text, out->bytes, sizeof out->bytes) == VELD_OK;
}

/* ---- headers ---- */
static size_t count_parent_lines(veld_span rest, veld_span line)
{
    size_t count = 0;
    while (count <= VELD_CHANGE_PARENTS_MAX && take_prefix(&line, "parent ")) {
        count++;
        if (!take_line(&rest, &line))
            break;
    }
    return count;
}

static veld_status read_parent_lines(reader *in, veld_span *line, veld_parent **out)
{
    size_t count = count_parent_lines(in->rest, *line);
    if (count == 0)
        return VELD_OK;
    if (count > VELD_CHANGE_PARENTS_MAX)
        return malformed(in, "more parents than a change may have");
    veld_parent *parents = veld_arena_get(in->arena, count, sizeof *parents);
    if (parents == NULL)
        return veld_fail(in->err, VELD_E_MEMORY, "no memory for the parents of a commit");
    for (size_t i = 0; i < count; i++) {
        if (!take_prefix(line, "parent ") || !read_oid(*line, &parents[i].git) ||
            !take_line(&in->rest, line))
            return malformed(in, "parents");
    }
    in->change->parents = parents;
    in->change->parents_count = count;
    *out = parents;
    return VELD_OK;
}

/* The committer's line ends in SECONDS +0000; the rest is known from elsewhere. */
static bool read_committer(veld_span line, int64_t *out)
{
    static const char zone[] = " +0000";
    size_t zone_len = sizeof zone - 1;
    if (!take_prefix(&line, "committer ") || line.len < zone_len)
        return false;
    line.len -= zone_len;
    size_t begin = line.len;
    while (begin > 0 && line.data[begin - 1] != ' ')
        begin--;
    return read_i64(veld_span_part(line, begin, line.len - begin), out);
}

static veld_status read_signature(reader *in, veld_span *line)
{
    veld_status status;
    veld_buf armor;
    veld_sshsig signature;
    veld_buf_init(&armor, VELD_SIGNATURE_TEXT_MAX);
    if (!take_prefix(line, "gpgsig")) {
        status = malformed(in, "no signature");
        goto done;
    }
    while (take_prefix(line, " ")) {
        VELD_TRY(veld_buf_append_span(&armor, *line));
        VELD_TRY(veld_buf_append_byte(&armor, '\n'));
        if (!take_line(&in->rest, line)) {
            status = malformed(in, "the end is missing");
            goto done;
        }
    }
    VELD_TRY(veld_sshsig_read(veld_buf_span(&armor), &signature, in->err));
    if (!is_text(veld_span_text(signature.name_space), VELD_NAMESPACE_COMMIT)) {
        status = malformed(in, "a signature for another use");
        goto done;
    }
    in->change->signature = signature.signature;
    *in->key = signature.key;
done:
    veld_buf_release(&armor);
    return status == VELD_E_LIMIT ? malformed(in, "signature") : status;
}

static veld_status read_headers(reader *in, veld_parent **parents)
{
    veld_status status;
    veld_span line;
    if (!take_line(&in->rest, &line) || !take_prefix(&line, "tree ") ||
        !read_oid(line, &in->change->tree_git) || !take_line(&in->rest, &line))
        return malformed(in, "tree");
    VELD_TRY(read_parent_lines(in, &line, parents));
    /* The author's line follows from the trailers and is compared in the end. */
    if (!take_line(&in->rest, &line) || !read_committer(line, &in->change->commit_utc_s) ||
        !take_line(&in->rest, &line))
        return malformed(in, "author and committer");
    VELD_TRY(read_signature(in, &line));
    if (line.len != 0)
        return malformed(in, "a header that is not ours");
done:
    return status;
}

/* ---- message ---- */
static bool take_trailer(reader *in, const char *name, veld_span *value)
{
    return take_line(&in->rest, value) && take_prefix(value, "Veldkit-") &&
           take_prefix(value, name) && take_prefix(value, ": ");
}

static bool read_parent_ids(veld_span value, veld_parent *parents, size_t count)
{
    veld_span word;
    if (count == 0)
        return is_text(value, "none");
    for (size_t i = 0; i < count; i++) {
        if (!take_word(&value, &word) || veld_hash_parse(word, &parents[i].id) != VELD_OK)
            return false;
    }
    return value.len == 0;
}

static bool read_hybrid(veld_span word, veld_change_time *time)
{
    const uint8_t *dot = word.len > 0 ? memchr(word.data, '.', word.len) : NULL;
    uint64_t count;
    if (dot == NULL)
        return false;
    size_t len = (size_t)(dot - word.data);
    if (!read_i64(veld_span_of(word.data, len), &time->hybrid_ms) ||
        !read_u64(veld_span_of(dot + 1, word.len - len - 1), &count) || count > UINT32_MAX)
        return false;
    time->hybrid_count = (uint32_t)count;
    return true;
}

static bool read_time(veld_span value, veld_change_time *time)
{
    veld_span word;
    veld_instant wall, server = {0};
    if (!take_word(&value, &word) || veld_instant_parse(word, &wall) != VELD_OK)
        return false;
    time->wall_utc_ms = wall.utc_ms;
    time->offset_min = wall.offset_min;
    if (!take_word(&value, &word) || !read_i64(word, &time->monotonic_ms) ||
        !take_word(&value, &word))
        return false;
    if (!is_text(word, "none") && veld_instant_parse(word, &server) != VELD_OK)
        return false;
    time->server_utc_ms = server.utc_ms;
    if (!take_word(&value, &word) || !read_hybrid(word, time) || !take_word(&value, &word))
        return false;
    for (unsigned i = 0; i < COMMIT_QUALITIES; i++) {
        if (is_text(word, commit_quality_words[i])) {
            time->quality = (veld_clock_quality)i;
            return value.len == 0;
        }
    }
    return false;
}

static bool read_log(veld_span value, veld_change *change)
{
    veld_span word;
    if (is_text(value, "none"))
        return true;
    return take_word(&value, &word) && read_u64(word, &change->log_size) &&
           veld_hash_parse(value, &change->log_root) == VELD_OK;
}

static veld_status read_format(reader *in)
{
    veld_span value;
    uint64_t format;
    if (!take_trailer(in, "Format", &value) || !read_u64(value, &format) || format > UINT16_MAX)
        return malformed(in, "format");
    if (format > VELD_CHANGE_FORMAT)
        return veld_fail(in->err, VELD_E_NEWER, "a commit is of a format that is not known here");
    in->change->format = (uint16_t)format;
    return VELD_OK;
}

static veld_status read_message(reader *in, veld_parent *parents)
{
    veld_status status;
    veld_change *change = in->change;
    veld_span value;
    /* The subject and the device's ident repeat trailers and are compared in the end. */
    if (!take_line(&in->rest, &value) || !take_line(&in->rest, &value))
        return malformed(in, "subject");
    VELD_TRY(read_format(in));
    if (!take_trailer(in, "Case", &value) || veld_id_parse(value, &change->case_id) != VELD_OK ||
        !take_trailer(in, "Tree", &value) || veld_hash_parse(value, &change->tree) != VELD_OK)
        return malformed(in, "case or tree");
    if (!take_trailer(in, "Parents", &value) ||
        !read_parent_ids(value, parents, change->parents_count))
        return malformed(in, "parents");
    if (!take_trailer(in, "Writes", &value) ||
        veld_hash_parse(value, &change->writes_hash) != VELD_OK ||
        !take_trailer(in, "Device", &value) || veld_id_parse(value, &change->device) != VELD_OK ||
        !take_trailer(in, "Incarnation", &value) ||
        veld_hex_decode(value, change->incarnation, sizeof change->incarnation) != VELD_OK ||
        !take_trailer(in, "Number", &value) || !read_u64(value, &change->number))
        return malformed(in, "writes, device or number");
    if (!take_trailer(in, "Time", &value) || !read_time(value, &change->time))
        return malformed(in, "time");
    if (!take_trailer(in, "Log", &value) || !read_log(value, change))
        return malformed(in, "log");
    if (!take_trailer(in, "Salt", &value) ||
        veld_hex_decode(value, change->salt, sizeof change->salt) != VELD_OK)
        return malformed(in, "salt");
done:
    return status;
}

/* ---- the whole ---- */
static veld_status compare_with_writer(reader *in, veld_span object)
{
    veld_status status;
    veld_buf again;
    veld_buf_init(&again, VELD_COMMIT_BYTES_MAX);
    VELD_TRY(veld_commit_object(in->change, in->key, &again, in->err));
    if (!veld_span_equal(veld_buf_span(&again), object))
        status = malformed(in, "other bytes than its fields give");
done:
    veld_buf_release(&again);
    return status == VELD_E_INVALID || status == VELD_E_LIMIT ? malformed(in, "values") : status;
}

veld_status veld_commit_parse(
    veld_span object, veld_arena *arena, veld_change *out, veld_p256_public *key, veld_error *err)
{
    VELD_ASSERT(arena != NULL && out != NULL && key != NULL);
    veld_status status;
    veld_parent *parents = NULL;
    reader in = {.rest = object, .arena = arena, .change = out, .key = key, .err = err};
    *out = (veld_change){0};
    *key = (veld_p256_public){{0}};
    if (object.len > VELD_COMMIT_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "a commit is over %u bytes", VELD_COMMIT_BYTES_MAX);
    VELD_TRY(read_headers(&in, &parents));
    VELD_TRY(read_message(&in, parents));
    VELD_TRY(compare_with_writer(&in, object));
    VELD_TRY(veld_commit_ids(out, key, err));
done:
    if (status != VELD_OK) {
        *out = (veld_change){0};
        *key = (veld_p256_public){{0}};
    }
    return status;
}
