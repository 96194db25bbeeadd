/* The one text of a change as a git commit, its signature and its two ids. It exists because
 * devices that speak different versions of a program, years apart, must write the same bytes for
 * the same change, or its signature proves nothing; so every byte is written here, none by libgit2.
 * The invariant: the bytes without the gpgsig lines are what is signed and what the id is of. Must
 * not know case content: only names and hashes go in. */
#include "veldkit/commit.h"

#include <inttypes.h>
#include <string.h>

#include "commit_text.h"
#include "git.h"
#include "veldkit/assert.h"
#include "veldkit/context.h"
#include "veldkit/hash.h"
#include "veldkit/limits.h"
#include "veldkit/sshsig.h"
#include "veldkit/time.h"

#define YEAR_0000_MS INT64_C(-62167219200000)
#define YEAR_9999_MS INT64_C(253402300799999) /* the last of it */

enum { OFFSET_MIN_MAX = 1439, MINUTE_MS = 60000 };

const char *const commit_quality_words[COMMIT_QUALITIES] = {
    [VELD_CLOCK_ANCHORED] = "anchored",
    [VELD_CLOCK_STALE] = "stale",
    [VELD_CLOCK_UNANCHORED] = "unanchored",
    [VELD_CLOCK_SUSPECT] = "suspect",
};

/* ---- dates ---- */
int64_t veld_commit_author_s(int64_t wall_utc_ms)
{
    return wall_utc_ms < 0 ? 0 : wall_utc_ms / 1000;
}

int64_t veld_commit_time(int64_t wall_utc_ms, const int64_t *parents_utc_s, size_t parents_count)
{
    int64_t latest = veld_commit_author_s(wall_utc_ms);
    for (size_t i = 0; i < parents_count; i++) {
        if (parents_utc_s[i] > latest)
            latest = parents_utc_s[i];
    }
    return latest;
}

static bool in_years(int64_t utc_ms)
{
    return utc_ms >= YEAR_0000_MS && utc_ms <= YEAR_9999_MS;
}

/* ---- what a commit can say ---- */
static veld_status check_time(const veld_change *change, veld_error *err)
{
    const veld_change_time *time = &change->time;
    if (time->offset_min < -OFFSET_MIN_MAX || time->offset_min > OFFSET_MIN_MAX)
        return veld_fail(err, VELD_E_INVALID, "an offset from UTC is over a day");
    if (!in_years(time->wall_utc_ms) || !in_years(time->server_utc_ms) ||
        !in_years(time->wall_utc_ms + (int64_t)time->offset_min * MINUTE_MS))
        return veld_fail(err, VELD_E_INVALID, "a time is outside the years 0000 to 9999");
    if ((unsigned)time->quality >= COMMIT_QUALITIES)
        return veld_fail(err, VELD_E_INVALID, "a clock quality is not known");
    if (change->commit_utc_s < veld_commit_author_s(time->wall_utc_ms) ||
        change->commit_utc_s > YEAR_9999_MS / 1000)
        return veld_fail(err, VELD_E_INVALID, "a commit's date is before its author's");
    return VELD_OK;
}

static veld_status check(const veld_change *change, veld_error *err)
{
    if (change->format != VELD_CHANGE_FORMAT)
        return veld_fail(err, VELD_E_INVALID, "change format %u is not known", change->format);
    if (change->number == 0)
        return veld_fail(err, VELD_E_INVALID, "a change has no number");
    if (change->log_size == 0 && !veld_hash_is_zero(&change->log_root))
        return veld_fail(err, VELD_E_INVALID, "a log without size has a root");
    if (change->parents_count > VELD_CHANGE_PARENTS_MAX)
        return veld_fail(
            err, VELD_E_LIMIT, "a change has more than %u parents", VELD_CHANGE_PARENTS_MAX);
    for (size_t i = 1; i < change->parents_count; i++) {
        if (veld_hash_compare(&change->parents[i - 1].id, &change->parents[i].id) >= 0)
            return veld_fail(err, VELD_E_INVALID, "the parents of a change are not sorted");
    }
    return check_time(change, err);
}

/* ---- the text ---- */
static veld_status write_headers(const veld_change *change, veld_buf *out)
{
    veld_status status;
    char oid[VELD_GIT_OID_TEXT_SIZE], device[VELD_ID_TEXT_SIZE];
    int offset = change->time.offset_min;
    int minutes = offset < 0 ? -offset : offset;
    veld_git_oid_format(&change->tree_git, oid);
    VELD_TRY(veld_buf_append_format(out, "tree %s\n", oid));
    for (size_t i = 0; i < change->parents_count; i++) {
        veld_git_oid_format(&change->parents[i].git, oid);
        VELD_TRY(veld_buf_append_format(out, "parent %s\n", oid));
    }
    veld_id_format(&change->device, device);
    VELD_TRY(veld_buf_append_format(out,
        "author Veldkit device %s <%s@device.veldkit> %" PRId64 " %c%02d%02d\n", device, device,
        veld_commit_author_s(change->time.wall_utc_ms), offset < 0 ? '-' : '+', minutes / 60,
        minutes % 60));
    VELD_TRY(veld_buf_append_format(out,
        "committer Veldkit device %s <%s@device.veldkit> %" PRId64 " +0000\n", device, device,
        change->commit_utc_s));
done:
    return status;
}

static veld_status write_signature(
    const veld_change *change, const veld_p256_public *key, veld_buf *out, veld_error *err)
{
    veld_status status;
    veld_buf armor;
    veld_buf_init(&armor, VELD_SIGNATURE_TEXT_MAX);
    VELD_TRY(veld_sshsig_write(key, VELD_NAMESPACE_COMMIT, &change->signature, &armor, err));
    VELD_ASSERT(armor.len > 0 && armor.data[armor.len - 1] == '\n');
    VELD_TRY(veld_buf_append_text(out, "gpgsig"));
    size_t begin = 0;
    for (size_t i = 0; i < armor.len; i++) {
        if (armor.data[i] != '\n')
            continue;
        VELD_TRY(veld_buf_append_byte(out, ' '));
        VELD_TRY(veld_buf_append(out, armor.data + begin, i + 1 - begin));
        begin = i + 1;
    }
done:
    veld_buf_release(&armor);
    return status;
}

static veld_status write_parents_line(const veld_change *change, veld_buf *out)
{
    veld_status status;
    VELD_TRY(veld_buf_append_text(out, "Veldkit-Parents:"));
    if (change->parents_count == 0)
        VELD_TRY(veld_buf_append_text(out, " none"));
    for (size_t i = 0; i < change->parents_count; i++) {
        char id[VELD_HASH_TEXT_SIZE];
        veld_hash_format(&change->parents[i].id, id);
        VELD_TRY(veld_buf_append_format(out, " %s", id));
    }
    VELD_TRY(veld_buf_append_byte(out, '\n'));
done:
    return status;
}

static veld_status write_time_line(const veld_change_time *time, veld_buf *out)
{
    char wall[VELD_INSTANT_TEXT_SIZE], server[VELD_INSTANT_TEXT_SIZE] = "none";
    veld_instant_format(
        (veld_instant){.utc_ms = time->wall_utc_ms, .offset_min = time->offset_min}, wall);
    if (time->server_utc_ms != 0)
        veld_instant_format((veld_instant){.utc_ms = time->server_utc_ms}, server);
    return veld_buf_append_format(out,
        "Veldkit-Time: %s %" PRId64 " %s %" PRId64 ".%" PRIu32 " %s\n", wall, time->monotonic_ms,
        server, time->hybrid_ms, time->hybrid_count, commit_quality_words[time->quality]);
}

static veld_status write_log_line(const veld_change *change, veld_buf *out)
{
    char root[VELD_HASH_TEXT_SIZE];
    if (change->log_size == 0)
        return veld_buf_append_text(out, "Veldkit-Log: none\n");
    veld_hash_format(&change->log_root, root);
    return veld_buf_append_format(out, "Veldkit-Log: %" PRIu64 " %s\n", change->log_size, root);
}

static veld_status write_message(const veld_change *change, veld_buf *out)
{
    veld_status status;
    char id[VELD_ID_TEXT_SIZE], hash[VELD_HASH_TEXT_SIZE];
    char incarnation[2 * VELD_INCARNATION_BYTES + 1], salt[2 * VELD_SALT_BYTES + 1];
    VELD_TRY(veld_buf_append_format(out, "\nChange %" PRIu64 "\n\n", change->number));
    veld_id_format(&change->case_id, id);
    veld_hash_format(&change->tree, hash);
    VELD_TRY(veld_buf_append_format(
        out, "Veldkit-Format: %u\nVeldkit-Case: %s\nVeldkit-Tree: %s\n", change->format, id, hash));
    VELD_TRY(write_parents_line(change, out));
    veld_hash_format(&change->writes_hash, hash);
    veld_id_format(&change->device, id);
    veld_hex_encode(veld_span_of(change->incarnation, sizeof change->incarnation), incarnation,
        sizeof incarnation);
    VELD_TRY(veld_buf_append_format(out,
        "Veldkit-Writes: %s\nVeldkit-Device: %s\nVeldkit-Incarnation: %s\n"
        "Veldkit-Number: %" PRIu64 "\n",
        hash, id, incarnation, change->number));
    VELD_TRY(write_time_line(&change->time, out));
    VELD_TRY(write_log_line(change, out));
    veld_hex_encode(veld_span_of(change->salt, sizeof change->salt), salt, sizeof salt);
    VELD_TRY(veld_buf_append_format(out, "Veldkit-Salt: %s\n", salt));
done:
    return status;
}

/* With `key` the object with its signature, without it the text that is signed. */
static veld_status write_commit(
    const veld_change *change, const veld_p256_public *key, veld_buf *out, veld_error *err)
{
    VELD_ASSERT(change != NULL && out != NULL);
    size_t begin = out->len;
    veld_status status = check(change, err);
    if (status != VELD_OK)
        return status;
    VELD_TRY(write_headers(change, out));
    if (key != NULL)
        VELD_TRY(write_signature(change, key, out, err));
    VELD_TRY(write_message(change, out));
done:
    if (status != VELD_OK)
        out->len = begin;
    if (status == VELD_E_MEMORY || status == VELD_E_LIMIT)
        return veld_fail(err, status, "no room for a commit");
    return status;
}

veld_status veld_commit_text(const veld_change *change, veld_buf *out, veld_error *err)
{
    return write_commit(change, NULL, out, err);
}

veld_status veld_commit_object(
    const veld_change *change, const veld_p256_public *key, veld_buf *out, veld_error *err)
{
    VELD_ASSERT(key != NULL);
    return write_commit(change, key, out, err);
}

/* ---- ids and signature ---- */
static veld_status text_of(const veld_change *change, veld_buf *text, veld_error *err)
{
    veld_buf_init(text, VELD_COMMIT_BYTES_MAX);
    return write_commit(change, NULL, text, err);
}

static veld_status git_of(
    const veld_change *change, const veld_p256_public *key, veld_git_oid *out, veld_error *err)
{
    veld_status status;
    veld_buf object;
    veld_buf_init(&object, VELD_COMMIT_BYTES_MAX);
    VELD_TRY(write_commit(change, key, &object, err));
    VELD_TRY(veld_git_hash(GIT_OBJECT_COMMIT, veld_buf_span(&object), out, err));
done:
    veld_buf_release(&object);
    return status;
}

veld_status veld_commit_sign(veld_change *change, const veld_signer *signer, veld_error *err)
{
    VELD_ASSERT(change != NULL && signer != NULL);
    veld_status status;
    veld_buf text = {0};
    veld_change signed_change = *change;
    VELD_TRY(text_of(change, &text, err));
    VELD_TRY(veld_sha256(veld_buf_span(&text), &signed_change.id, err));
    VELD_TRY(veld_sshsig_sign(
        signer, VELD_NAMESPACE_COMMIT, veld_buf_span(&text), &signed_change.signature, err));
    VELD_TRY(git_of(&signed_change, &signer->public_key, &signed_change.git, err));
    *change = signed_change;
done:
    veld_buf_release(&text);
    return status;
}

veld_status veld_commit_verify(veld_change *change, const veld_p256_public *key,
    const veld_verifier *verifier, veld_error *err)
{
    VELD_ASSERT(change != NULL && key != NULL && verifier != NULL);
    veld_status status;
    veld_buf text = {0};
    VELD_TRY(text_of(change, &text, err));
    VELD_TRY(veld_sshsig_verify(
        verifier, key, VELD_NAMESPACE_COMMIT, veld_buf_span(&text), &change->signature, err));
    VELD_TRY(veld_commit_ids(change, key, err));
done:
    veld_buf_release(&text);
    return status;
}

veld_status veld_commit_ids(veld_change *change, const veld_p256_public *key, veld_error *err)
{
    VELD_ASSERT(change != NULL && key != NULL);
    veld_status status;
    veld_buf text = {0};
    veld_hash id;
    veld_git_oid git;
    VELD_TRY(text_of(change, &text, err));
    VELD_TRY(veld_sha256(veld_buf_span(&text), &id, err));
    VELD_TRY(git_of(change, key, &git, err));
    change->id = id;
    change->git = git;
done:
    veld_buf_release(&text);
    return status;
}
