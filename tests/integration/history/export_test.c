/* An exported case satisfies stock git and OpenSSH: fsck, log, blame, verify-commit; whatever the
 * clocks say and whatever lies in the machine's configuration. */
#include "veld_test.h"

#include <sys/stat.h>
#include <unistd.h>

#include "exported_case.h"
#include "shell.h"
#include "veldkit/crypto.h"
#include "veldkit/history.h"

typedef struct fixture {
    char folder[SHELL_TEXT_MAX / 4]; /* for this test alone */
    char dir[SHELL_TEXT_MAX / 2];    /* of the export; does not exist yet */
    exported_case made;
    char output[SHELL_OUTPUT_MAX];
} fixture;

static int start(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    if (f == NULL || veld_crypto_init(NULL) != VELD_OK || veld_history_init(NULL) != VELD_OK)
        return -1;
    shell_folder(f->folder, sizeof f->folder);
    shell_print(f->dir, sizeof f->dir, "%s/case", f->folder);
    exported_case_init(&f->made, 5);
    *state = f;
    return 0;
}

static int stop(void **state)
{
    fixture *f = *state;
    char command[SHELL_TEXT_MAX];
    shell_print(command, sizeof command, "rm -rf '%s'", f->folder);
    int code = shell(NULL, command);
    exported_case_release(&f->made);
    free(f);
    veld_history_close();
    veld_crypto_close();
    return code;
}

/* Run a command in the exported folder; it must succeed. */
static const char *in_export(fixture *f, const char *command)
{
    char line[SHELL_TEXT_MAX];
    shell_print(line, sizeof line, "cd '%s' && %s", f->dir, command);
    int code = shell(f->output, line);
    if (code != 0)
        print_message("%s\n%s\n", line, f->output);
    assert_int_equal(code, 0);
    return f->output;
}

static size_t count_lines(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

/* All that "Done when" asks of stock tools. `signed_count` commits, of which all must verify. */
static void assert_stock_tools_agree(fixture *f, size_t signed_count, bool joined)
{
    char path[128], command[512];
    assert_string_equal(in_export(f, "git fsck --strict --no-progress --full"), "");
    assert_int_equal(
        count_lines(in_export(f, "git log --format=%H main")), signed_count + (joined ? 1 : 0));
    (void)in_export(f, "git log --graph --oneline main");
    (void)in_export(f, "for c in $(git log --format=%H --author=device.veldkit --all); do "
                       "git verify-commit $c || exit 1; done");
    const char *good = in_export(f, "git log --author=device.veldkit --format='%G? %GS' --all");
    size_t lines = 0;
    for (const char *line = good; *line != '\0'; line = strchr(line, '\n') + 1, lines++)
        assert_true(strncmp(line, "G ", 2) == 0 && strstr(line, "@device.veldkit") != NULL);
    assert_int_equal(lines, signed_count);
    exported_case_path(&f->made, 0, path, sizeof path);
    shell_print(command, sizeof command, "git blame main -- %s", path);
    assert_int_equal(count_lines(in_export(f, command)), 2);
    /* git's walks rely on no commit being older than its parents */
    (void)in_export(f,
        "git log --format='%H %ct %P' --all | awk '{t[$1]=$2; p[$1]=$0} END {for (c in p) {"
        "n=split(p[c],a,\" \"); for(i=3;i<=n;i++) if ((a[i] in t) && t[a[i]]>t[c]) exit 1}}'");
}

static void one_line_of_changes(void **state)
{
    fixture *f = *state;
    size_t last = exported_case_add(&f->made, 0, NULL, 0, 1772438400000, 60);
    for (size_t i = 0; i < 7; i++)
        last = exported_case_add(&f->made, i % 2, &last, 1, 1772438400000 + (int64_t)i * 60000, 60);
    assert_ok(exported_case_write(&f->made, 0, f->dir, NULL));
    assert_stock_tools_agree(f, 8, false);
    char head[41], line[SHELL_TEXT_MAX];
    veld_hex_encode(veld_span_of(f->made.changes[last].change.git.bytes, 20), head, 41);
    shell_print(line, sizeof line, "test $(git rev-parse main) = %s", head);
    (void)in_export(f, line);
    (void)in_export(f, "test $(wc -l <allowed_signers) = 2");
    (void)in_export(f, "test $(ls -A | tr '\\n' ' ' | wc -w) = 2");
    (void)in_export(f, "test ! -e .git/logs && test ! -e .git/index");
    (void)in_export(f, "cd .. && test \"$(ls)\" = case");
}

static void parted_histories_and_wrong_clocks(void **state)
{
    fixture *f = *state;
    exported_case *made = &f->made;
    size_t first = exported_case_add(made, 0, NULL, 0, 1772438400000, 60);
    size_t old = exported_case_add(made, 1, &first, 1, 978307200000, -210);   /* 2001 */
    size_t early = exported_case_add(made, 1, &old, 1, -86400000, -720);      /* 1969 */
    size_t late = exported_case_add(made, 0, &first, 1, 4133980800000, 840);  /* 2101 */
    size_t y2038 = exported_case_add(made, 0, &late, 1, 2147483648000, 1439); /* back again */
    size_t both = exported_case_add(made, 1, (const size_t[]){early, y2038}, 2, 0, -1439);
    size_t alone = exported_case_add(made, 0, NULL, 0, -5, 0); /* blind work: no parents */
    size_t fork = exported_case_add(made, 1, &late, 1, 253402300799000, 0); /* 9999 */
    (void)both, (void)alone, (void)fork;
    assert_ok(exported_case_write(made, 0, f->dir, NULL));
    assert_stock_tools_agree(f, 8, true);
    assert_string_equal(in_export(f, "git log -1 --format='%an <%ae> %ct %P' main | wc -w"), "6\n");
    assert_string_equal(in_export(f, "git log -1 --format=%G? main"), "N\n");
}

static void the_same_changes_make_the_same_branch(void **state)
{
    fixture *f = *state;
    exported_case *made = &f->made;
    size_t first = exported_case_add(made, 0, NULL, 0, 1772438400000, 60);
    for (size_t i = 0; i < 4; i++)
        (void)exported_case_add(made, i % 2, &first, 1, 1772438500000 + (int64_t)i, 0);
    assert_ok(exported_case_write(made, 0, f->dir, NULL));
    char before[41], again[SHELL_TEXT_MAX], line[SHELL_TEXT_MAX];
    memcpy(before, in_export(f, "git rev-parse main"), 40);
    before[40] = '\0';
    veld_export *repo = NULL;
    shell_print(again, sizeof again, "%s/again/", f->folder);
    assert_int_equal(mkdir(again, 0700), 0); /* an empty folder is fine */
    assert_ok(veld_export_open(again, &repo, NULL));
    veld_export_close(repo);
    exported_change swapped = made->changes[1];
    made->changes[1] = made->changes[3]; /* another order of the same changes */
    made->changes[3] = swapped;
    assert_ok(exported_case_write(made, 0, again, NULL));
    shell_print(line, sizeof line, "test $(git -C '%s' rev-parse main) = %s", again, before);
    (void)in_export(f, line);
    made->changes[3] = made->changes[1];
    made->changes[1] = swapped;
}

static void a_tail_is_a_shallow_repository(void **state)
{
    fixture *f = *state;
    exported_case *made = &f->made;
    size_t first = exported_case_add(made, 0, NULL, 0, 1772438400000, 60);
    size_t second = exported_case_add(made, 0, &first, 1, 1772438401000, 60);
    size_t third = exported_case_add(made, 1, &second, 1, 1772438402000, 60);
    size_t blind = exported_case_add(made, 1, NULL, 0, 1772438402000, 60);
    size_t mixed =
        exported_case_add(made, 0, (const size_t[]){second, blind}, 2, 1772438403000, 60);
    (void)exported_case_add(made, 0, (const size_t[]){third, mixed}, 2, 1772438404000, 60);
    assert_ok(exported_case_write(made, 2, f->dir, NULL));
    (void)in_export(f, "test $(wc -l <.git/shallow) = 2");
    (void)in_export(f, "test $(git rev-parse --is-shallow-repository) = true");
    assert_string_equal(in_export(f, "git fsck --strict --no-progress --full"), "");
    assert_int_equal(count_lines(in_export(f, "git log --format=%H --all")), 4);
    (void)in_export(f, "for c in $(git log --format=%H --all); do git verify-commit $c || exit 1; "
                       "done");
    char path[128], line[SHELL_TEXT_MAX];
    exported_case_path(made, 0, path, sizeof path);
    shell_print(line, sizeof line, "git blame main -- %s", path);
    (void)in_export(f, line);
}

static void what_is_there_is_not_touched(void **state)
{
    fixture *f = *state;
    (void)exported_case_add(&f->made, 0, NULL, 0, 1772438400000, 60);
    char line[SHELL_TEXT_MAX];
    shell_print(line, sizeof line, "mkdir '%s' && echo mine >'%s/file'", f->dir, f->dir);
    assert_int_equal(shell(NULL, line), 0);
    assert_int_equal(exported_case_write(&f->made, 0, f->dir, NULL), VELD_E_EXISTS);
    (void)in_export(f, "test $(cat file) = mine && cd .. && test \"$(ls)\" = case");
    shell_print(line, sizeof line, "%s/file", f->dir);
    assert_int_equal(exported_case_write(&f->made, 0, line, NULL), VELD_E_EXISTS);
    shell_print(line, sizeof line, "%s/none/at/all", f->folder);
    assert_int_equal(exported_case_write(&f->made, 0, line, NULL), VELD_E_NOT_FOUND);
}

static void what_does_not_fit_is_not_exported(void **state)
{
    fixture *f = *state;
    exported_case *made = &f->made;
    veld_export *repo = NULL;
    (void)exported_case_add(made, 0, NULL, 0, 1772438400000, 60);
    const veld_p256_public *key = &made->devices[0].key.public_key;
    assert_ok(veld_export_open(f->dir, &repo, NULL));
    assert_int_equal(
        veld_export_commit(repo, &made->changes[0].change, key, NULL), VELD_E_NOT_FOUND);
    veld_change other = made->changes[0].change;
    other.number = 99;
    assert_int_equal(veld_export_commit(repo, &other, key, NULL), VELD_E_DAMAGED);
    assert_int_equal(veld_export_finish(repo, NULL, NULL), VELD_E_NOT_FOUND);
    veld_export_close(repo);
    assert_int_not_equal(access(f->dir, F_OK), 0);
}

static void configuration_of_the_machine_changes_nothing(void **state)
{
    fixture *f = *state;
    char home[SHELL_TEXT_MAX], line[SHELL_TEXT_MAX];
    shell_print(home, sizeof home, "%s/home", f->folder);
    shell_print(line, sizeof line,
        "mkdir -p '%s/.config/git' '%s/template/hooks' && cd '%s' && "
        "printf '[init]\\n\\ttemplatedir = %s/template\\n\\tdefaultBranch = evil\\n[core]\\n"
        "\\tautocrlf = true\\n\\tattributesFile = %s/.gitattributes\\n[gpg]\\n\\tformat = "
        "openpgp\\n'"
        " >.gitconfig && cp .gitconfig .config/git/config && echo evil >template/hooks/evil && "
        "echo '* text eol=crlf merge=union' >.gitattributes && "
        "cp .gitattributes .config/git/attributes",
        home, home, home, home, home);
    assert_int_equal(shell(NULL, line), 0);
    char *old = getenv("HOME"), saved[SHELL_TEXT_MAX];
    shell_print(saved, sizeof saved, "%s", old != NULL ? old : "/");
    assert_int_equal(setenv("HOME", home, 1), 0);
    veld_history_close();
    assert_ok(veld_history_init(NULL)); /* reads the environment again */
    size_t first = exported_case_add(&f->made, 0, NULL, 0, 1772438400000, 60);
    (void)exported_case_add(&f->made, 0, &first, 1, 1772438401000, 60);
    assert_ok(exported_case_write(&f->made, 0, f->dir, NULL));
    assert_int_equal(setenv("HOME", saved, 1), 0);
    assert_stock_tools_agree(f, 2, false);
    (void)in_export(f, "test ! -e .git/hooks/evil && test $(git symbolic-ref HEAD) = "
                       "refs/heads/main && ! grep -q crlf .git/config");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_line_of_changes, start, stop),
        cmocka_unit_test_setup_teardown(parted_histories_and_wrong_clocks, start, stop),
        cmocka_unit_test_setup_teardown(the_same_changes_make_the_same_branch, start, stop),
        cmocka_unit_test_setup_teardown(a_tail_is_a_shallow_repository, start, stop),
        cmocka_unit_test_setup_teardown(what_is_there_is_not_touched, start, stop),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_not_exported, start, stop),
        cmocka_unit_test_setup_teardown(configuration_of_the_machine_changes_nothing, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
