/* json_lines: the canonical form of each line of standard input, on a line of its own; "! status"
 * for a line that is refused. For the comparison with another implementation. */
#include <stdio.h>

#include "veldkit/json.h"

enum { LINE_BYTES_MAX = 1 << 16 };

static int answer(veld_span line)
{
    veld_json_doc *doc = NULL;
    veld_buf out;
    veld_buf_init(&out, LINE_BYTES_MAX);
    veld_status status = veld_json_parse(line, VELD_JSON_IJSON, &doc, NULL, NULL);
    if (status == VELD_OK)
        status = veld_json_canonical(veld_json_root(doc), &out, NULL);
    if (status == VELD_OK)
        fwrite(out.data, 1, out.len, stdout);
    else
        printf("! %s", veld_status_name(status));
    putchar('\n');
    veld_buf_release(&out);
    veld_json_doc_free(doc);
    return ferror(stdout) ? 1 : 0;
}

int main(void)
{
    static char line[LINE_BYTES_MAX];
    size_t len = 0;
    int c;
    while ((c = getchar()) != EOF) {
        if (c == '\n') {
            if (answer(veld_span_of(line, len)) != 0)
                return 1;
            len = 0;
        } else if (len == sizeof line) {
            return 1;
        } else {
            line[len++] = (char)c;
        }
    }
    return 0;
}
