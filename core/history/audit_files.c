/* What lies beside the changes of an export: the records as they stand on the branch, for who
 * knows what belongs to them, and the file that stock git takes keys from. */
#include <string.h>

#include "audit_parts.h"
#include "folder.h"
#include "signers.h"

enum { SIDE_FILE_BYTES_MAX = 16 << 20 };

veld_status veld_audit_read_file(const char *dir, const char *name, veld_buf *out, veld_error *err)
{
    return folder_read(dir, name, out, err);
}

static bool has_line(veld_span text, veld_span line)
{
    while (text.len > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.len);
        size_t len = end == NULL ? text.len : (size_t)(end - text.data);
        if (veld_span_equal(veld_span_of(text.data, len), line))
            return true;
        size_t step = end == NULL ? len : len + 1;
        text = veld_span_of(text.data + step, text.len - step);
    }
    return false;
}

static bool has_lines(veld_span text, veld_span lines)
{
    while (lines.len > 0) {
        const uint8_t *end = memchr(lines.data, '\n', lines.len);
        size_t len = end == NULL ? lines.len : (size_t)(end - lines.data);
        if (!has_line(text, veld_span_of(lines.data, len)))
            return false;
        size_t step = end == NULL ? len : len + 1;
        lines = veld_span_of(lines.data + step, lines.len - step);
    }
    return true;
}

bool veld_audit_same_lines(veld_span one, veld_span other)
{
    return has_lines(one, other) && has_lines(other, one);
}

veld_status audit_signers(audit *work, const char *dir)
{
    veld_status status;
    veld_buf expected, file;
    veld_buf_init(&expected, SIDE_FILE_BYTES_MAX);
    veld_buf_init(&file, SIDE_FILE_BYTES_MAX);
    VELD_TRY(signers_write(&work->signers, &expected, work->err));
    status = folder_read(dir, "allowed_signers", &file, work->err);
    if (status == VELD_E_MEMORY)
        goto done;
    if (status != VELD_OK)
        audit_report(work, VELD_E_NOT_FOUND, NULL, "the file allowed_signers is missing");
    else if (!veld_audit_same_lines(veld_buf_span(&file), veld_buf_span(&expected)))
        audit_report(work, VELD_E_INVALID, NULL,
            "the file allowed_signers does not name the keys of the changes");
    status = VELD_OK;
done:
    veld_buf_release(&expected);
    veld_buf_release(&file);
    return status;
}
