/* Public keys and allowed_signers lines as OpenSSH writes them, so that stock tools can be pointed
 * at what we know. Reading takes one form only: what stands in a file of ours was written by us. */
#include <string.h>

#include "ssh_wire.h"
#include "veldkit/sshsig.h"

#define ALLOWED_MIDDLE " namespaces=\""

static const char principal_extra[] = "._@+-";
static const char namespace_extra[] = "._@/-";

static veld_status put_key_text(veld_buf *out, const veld_p256_public *key)
{
    veld_buf blob;
    veld_buf_init(&blob, SSH_KEY_BLOB_BYTES);
    veld_status status;
    VELD_TRY(veld_ssh_put_key(&blob, key));
    VELD_TRY(veld_buf_append_text(out, SSH_KEY_TYPE " "));
    VELD_TRY(veld_base64_encode(veld_buf_span(&blob), false, out));
done:
    veld_buf_release(&blob);
    return status;
}

static bool is_comment(const char *text)
{
    size_t len = strlen(text);
    if (len > VELD_SSH_COMMENT_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if (text[i] < ' ' || text[i] > '~')
            return false;
    return true;
}

veld_status veld_ssh_key_write(
    const veld_p256_public *key, const char *comment, veld_buf *out, veld_error *err)
{
    if (comment != NULL && !is_comment(comment))
        return veld_fail(err, VELD_E_INVALID, "a key's comment is printable and short");
    size_t before = out->len;
    veld_status status;
    VELD_TRY(put_key_text(out, key));
    if (comment != NULL && comment[0] != '\0') {
        VELD_TRY(veld_buf_append_byte(out, ' '));
        VELD_TRY(veld_buf_append_text(out, comment));
    }
    return VELD_OK;
done:
    out->len = before;
    return veld_fail(err, status, "no room for a key's text");
}

static veld_span without_line_end(veld_span line)
{
    bool ends = line.len > 0 && line.data[line.len - 1] == '\n';
    return veld_span_part(line, 0, line.len - (ends ? 1 : 0));
}

/* If `rest` begins with `text`, step over it. */
static bool step_over(veld_span *rest, const char *text)
{
    const veld_span wanted = veld_span_text(text);
    if (rest->len < wanted.len || !veld_span_equal(veld_span_part(*rest, 0, wanted.len), wanted))
        return false;
    *rest = veld_span_of(rest->data + wanted.len, rest->len - wanted.len);
    return true;
}

/* The bytes before the first `end`, or all when there is none; `rest` is left at that character. */
static veld_span take_until(veld_span *rest, char end)
{
    size_t len = 0;
    while (len < rest->len && rest->data[len] != (uint8_t)end)
        len++;
    const veld_span taken = veld_span_of(rest->data, len);
    *rest = veld_span_of(rest->data + len, rest->len - len);
    return taken;
}

veld_status veld_ssh_key_read(veld_span line, veld_p256_public *out, veld_error *err)
{
    if (line.len > VELD_SIGNATURE_TEXT_MAX)
        return veld_fail(
            err, VELD_E_LIMIT, "a key of more than %u characters", VELD_SIGNATURE_TEXT_MAX);
    veld_span rest = without_line_end(line);
    if (!step_over(&rest, SSH_KEY_TYPE " "))
        return veld_fail(err, VELD_E_FORM, "not a line with a key of type " SSH_KEY_TYPE);
    const veld_span letters = take_until(&rest, ' ');
    veld_buf blob;
    veld_buf_init(&blob, VELD_SIGNATURE_TEXT_MAX);
    veld_status status = veld_base64_decode(letters, false, &blob);
    if (status == VELD_OK)
        status = veld_ssh_get_key(veld_buf_span(&blob), out, err);
    else
        status = veld_fail(err, status, "a key that is not base64");
    veld_buf_release(&blob);
    return status;
}

veld_status veld_ssh_allowed_write(const veld_ssh_allowed *allowed, veld_buf *out, veld_error *err)
{
    if (!veld_ssh_is_name(allowed->principal, VELD_SSH_PRINCIPAL_MAX, principal_extra) ||
        !veld_ssh_is_name(allowed->name_space, VELD_SSHSIG_NAMESPACE_MAX, namespace_extra))
        return veld_fail(err, VELD_E_INVALID, "characters that a signer's line cannot have");
    size_t before = out->len;
    veld_status status;
    VELD_TRY(veld_buf_append_text(out, allowed->principal));
    VELD_TRY(veld_buf_append_text(out, ALLOWED_MIDDLE));
    VELD_TRY(veld_buf_append_text(out, allowed->name_space));
    VELD_TRY(veld_buf_append_text(out, "\" "));
    VELD_TRY(put_key_text(out, &allowed->key));
    VELD_TRY(veld_buf_append_byte(out, '\n'));
    return VELD_OK;
done:
    out->len = before;
    return veld_fail(err, status, "no room for a signer's line");
}

static bool take_name(veld_span *rest, char end, size_t len_max, const char *extra, char *out)
{
    const veld_span name = take_until(rest, end);
    if (name.len > len_max)
        return false;
    if (name.len > 0)
        memcpy(out, name.data, name.len);
    out[name.len] = '\0';
    return strlen(out) == name.len && veld_ssh_is_name(out, len_max, extra);
}

veld_status veld_ssh_allowed_read(veld_span line, veld_ssh_allowed *out, veld_error *err)
{
    veld_ssh_allowed read = {0};
    veld_span rest = without_line_end(line);
    bool fits =
        take_name(&rest, ' ', VELD_SSH_PRINCIPAL_MAX, principal_extra, read.principal) &&
        step_over(&rest, ALLOWED_MIDDLE) &&
        take_name(&rest, '"', VELD_SSHSIG_NAMESPACE_MAX, namespace_extra, read.name_space) &&
        step_over(&rest, "\" ");
    if (!fits || (rest.len > 0 && rest.data[rest.len - 1] == '\n'))
        return veld_fail(err, VELD_E_FORM, "not a line of allowed signers");
    size_t words = 0;
    for (size_t i = 0; i < rest.len; i++)
        words += rest.data[i] == ' ';
    if (words != 1) /* type and key; a comment has no meaning here */
        return veld_fail(err, VELD_E_FORM, "not a line of allowed signers");
    veld_status status = veld_ssh_key_read(rest, &read.key, err);
    if (status == VELD_OK)
        *out = read;
    return status;
}
