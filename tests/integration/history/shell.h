/* shell.h: stock programs and throw-away folders for tests that compare with them. */
#ifndef SHELL_H
#define SHELL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "veld_test.h"

enum { SHELL_TEXT_MAX = 4096, SHELL_OUTPUT_MAX = 1 << 20 };

/* shell_print: as snprintf, and the text fits. */
static inline void shell_print(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static inline void shell_print(char *out, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(out, size, format, arguments);
    va_end(arguments);
    assert_true(len >= 0 && (size_t)len < size);
}

/* shell_folder: a new empty folder; the path lives until the next call of the same `out`. */
static inline void shell_folder(char *out, size_t size)
{
    const char *base = getenv("TMPDIR");
    shell_print(out, size, "%s/veldkit-test.XXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(out));
}

/* shell: run a command without the user's git configuration; its exit code, output (also what it
 * complains about) in `out` when that is not NULL. */
static inline int shell(char *out, const char *command)
{
    char line[SHELL_TEXT_MAX];
    shell_print(line, sizeof line,
        "export LC_ALL=C GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null; { %s\n} 2>&1", command);
    FILE *pipe = popen(line, "r");
    assert_non_null(pipe);
    char rest[4096];
    size_t used = 0;
    for (;;) {
        size_t room = out != NULL ? SHELL_OUTPUT_MAX - 1 - used : 0;
        size_t count = room > 0 ? fread(out + used, 1, room, pipe) : fread(rest, 1, 4096, pipe);
        if (count == 0)
            break;
        used += room > 0 ? count : 0;
    }
    if (out != NULL)
        out[used] = '\0';
    return pclose(pipe);
}

#endif
