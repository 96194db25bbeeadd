/* Numbers as people type them: the whole id, or enough of its beginning or its end. Ids that were
 * made in one hour begin alike, since they begin with the time; their ends differ. */
#include <string.h>

#include "veldkit/cli.h"

veld_status veld_cli_prefix_check(const char *word, veld_error *err)
{
    size_t len = strlen(word);
    if (len < VELD_CLI_PREFIX_MIN || len >= VELD_ID_TEXT_SIZE ||
        strspn(word, "0123456789abcdef-") != len)
        return veld_fail(err, VELD_E_INVALID,
            "een nummer heeft %u tot 36 tekens: 0-9, a-f en streepjes", VELD_CLI_PREFIX_MIN);
    return VELD_OK;
}

bool veld_cli_prefix_fits(const veld_id *id, const char *prefix)
{
    char text[VELD_ID_TEXT_SIZE];
    size_t len = strlen(prefix);
    veld_id_format(id, text);
    return len < sizeof text &&
           (strncmp(text, prefix, len) == 0 || strcmp(text + sizeof text - 1 - len, prefix) == 0);
}

veld_status veld_cli_prefix_judge(
    const char *word, const char *what, size_t matches, veld_error *err)
{
    if (matches == 0)
        return veld_fail(err, VELD_E_NOT_FOUND,
            "geen %s waarvan het nummer begint of eindigt met %s", what, word);
    if (matches > 1)
        return veld_fail(err, VELD_E_INVALID,
            "%zu keer een %s waarvan het nummer begint of eindigt met %s; geef meer", matches, what,
            word);
    return VELD_OK;
}
