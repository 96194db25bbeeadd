/* An audit is clean for what we exported, also after stock git repacked it, and tells of everything
 * that is not what the devices signed. */
#include "veld_test.h"

#include <unistd.h>

#include "exported_case.h"
#include "shell.h"
#include "veldkit/audit.h"
#include "veldkit/commit.h"
#include "veldkit/crypto.h"
#include "veldkit/history.h"

typedef struct fixture {
    char folder[SHELL_TEXT_MAX / 4];
    char dir[SHELL_TEXT_MAX / 2];
    exported_case made;
    bool forget_keys;
    bool swap_keys;
    veld_audit_summary summary;
    veld_status found[512]; /* of the findings, in order */
    veld_hash seen[EXPORTED_CHANGES_MAX];
    size_t seen_count;
} fixture;

static int start(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    if (f == NULL || veld_crypto_init(NULL) != VELD_OK || veld_history_init(NULL) != VELD_OK)
        return -1;
    shell_folder(f->folder, sizeof f->folder);
    shell_print(f->dir, sizeof f->dir, "%s/case", f->folder);
    exported_case_init(&f->made, 6);
    *state = f;
    return 0;
}

static int stop(void **state)
{
    fixture *f = *state;
    char command[SHELL_TEXT_MAX];
    shell_print(command, sizeof command, "chmod -R u+w '%s' && rm -rf '%s'", f->folder, f->folder);
    int code = shell(NULL, command);
    exported_case_release(&f->made);
    free(f);
    veld_history_close();
    veld_crypto_close();
    return code;
}

static veld_status key_of(
    void *context, const veld_id *device, size_t back, veld_p256_public *out, veld_error *err)
{
    fixture *f = context;
    if (back > 0)
        return veld_fail(err, VELD_E_NOT_FOUND, "it never had another");
    for (size_t i = 0; i < 2 && !f->forget_keys; i++) {
        if (veld_id_equal(device, &f->made.devices[i].id)) {
            *out = f->made.devices[f->swap_keys ? 1 - i : i].key.public_key;
            return VELD_OK;
        }
    }
    return veld_fail(err, VELD_E_NOT_FOUND, "no such device");
}

static void keep_finding(void *context, const veld_audit_finding *finding)
{
    fixture *f = context;
    if (f->summary.findings < 512)
        f->found[f->summary.findings] = finding->status;
    f->summary.findings++;
}

static void keep_change(void *context, const veld_change *change)
{
    fixture *f = context;
    assert_true(f->seen_count < EXPORTED_CHANGES_MAX);
    f->seen[f->seen_count++] = change->id;
}

static veld_status audit(fixture *f)
{
    veld_audit_rules rules = {.context = f,
        .key = key_of,
        .finding = keep_finding,
        .change = keep_change,
        .verifier = veld_verifier_p256()};
    veld_audit_summary summary;
    f->summary = (veld_audit_summary){0};
    f->seen_count = 0;
    veld_status status = veld_audit_repository(f->dir, &rules, &summary, NULL);
    assert_int_equal(summary.findings, f->summary.findings);
    f->summary = summary;
    return status;
}

static void run(fixture *f, const char *command)
{
    static char output[SHELL_OUTPUT_MAX];
    char line[SHELL_TEXT_MAX];
    shell_print(line, sizeof line, "cd '%s' && %s", f->dir, command);
    int code = shell(output, line);
    if (code != 0)
        print_message("%s\n%s\n", line, output);
    assert_int_equal(code, 0);
}

static void make_parted(fixture *f)
{
    exported_case *made = &f->made;
    size_t first = exported_case_add(made, 0, NULL, 0, 1772438400000, 60);
    size_t left = exported_case_add(made, 0, &first, 1, 978307200000, 60);
    size_t right = exported_case_add(made, 1, &first, 1, 1772438401000, 60);
    (void)exported_case_add(made, 1, (const size_t[]){left, right}, 2, 1772438402000, 60);
    (void)exported_case_add(made, 0, &right, 1, 1772438403000, 60);
    assert_ok(exported_case_write(made, 0, f->dir, NULL));
}

static void assert_clean(fixture *f, size_t changes, size_t heads)
{
    assert_ok(audit(f));
    assert_int_equal(f->summary.findings, 0);
    assert_int_equal(f->summary.changes, changes);
    assert_int_equal(f->summary.heads, heads);
    assert_int_equal(f->seen_count, changes);
    assert_true(veld_id_equal(&f->summary.case_id, &f->made.case_id));
}

static void assert_found(fixture *f, size_t count, veld_status status)
{
    assert_ok(audit(f));
    assert_int_equal(f->summary.findings, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(f->found[i], status);
}

static void what_we_exported_is_clean(void **state)
{
    fixture *f = *state;
    make_parted(f);
    assert_clean(f, 5, 2);
    assert_int_equal(f->summary.incomplete, 0);
    run(f, "git pack-refs --all && git repack -adq --depth=50 && git prune-packed");
    assert_clean(f, 5, 2);
    run(f, "mv .git/objects/pack/*.pack p && rm .git/objects/pack/* && git unpack-objects -q <p");
    assert_clean(f, 5, 2);
}

static void keys_are_the_callers_not_the_folders(void **state)
{
    fixture *f = *state;
    make_parted(f);
    f->forget_keys = true;
    assert_found(f, 5, VELD_E_NOT_FOUND);
    f->forget_keys = false;
    f->swap_keys = true;
    assert_found(f, 5, VELD_E_FORGED);
}

static void what_the_folder_configures_has_no_effect(void **state)
{
    fixture *f = *state;
    make_parted(f);
    run(f, "printf '[core]\\n\\trepositoryformatversion = 99\\n[include]\\n\\tpath = /dev/zero\\n"
           "[extensions]\\n\\tobjectformat = sha256\\n' >.git/config && "
           "mkdir -p .git/refs/replace && echo evil >.git/info/grafts && "
           "echo /nonexistent >.git/objects/info/alternates");
    assert_clean(f, 5, 2);
}

static void what_others_add_or_move_is_told(void **state)
{
    fixture *f = *state;
    make_parted(f);
    run(f, "cp -a .git ../saved && git update-ref refs/heads/main main^1");
    assert_ok(audit(f)); /* the branch, and the derived commit that nobody asked for now */
    assert_int_equal(f->summary.findings, 2);
    assert_int_equal(f->found[0], VELD_E_INVALID);
    assert_int_equal(f->found[1], VELD_E_FORM);
    run(f, "rm -rf .git && cp -a ../saved .git && git update-ref -d refs/heads/main");
    assert_ok(audit(f));
    assert_int_equal(f->found[0], VELD_E_NOT_FOUND);
    run(f, "rm -rf .git && cp -a ../saved .git && git -c user.name=x -c user.email=x@x "
           "commit-tree -m evil main^{tree}");
    assert_found(f, 1, VELD_E_FORM);
    run(f, "rm -rf .git && cp -a ../saved .git && git -c user.name=x -c user.email=x@x "
           "tag -a -m evil evil main");
    assert_found(f, 1, VELD_E_FORM);
    run(f, "rm -rf .git && cp -a ../saved .git && rm .git/objects/pack/*");
    assert_ok(audit(f));
    assert_int_not_equal(f->summary.findings, 0);
    run(f, "rm -rf .git && cp -a ../saved .git && cp allowed_signers ../signers && "
           "cat ../signers >>allowed_signers");
    assert_clean(f, 5, 2); /* twice the same says nothing else */
    run(f, "echo 'x namespaces=\"git\" ssh-ed25519 AAAA' >>allowed_signers");
    assert_found(f, 1, VELD_E_INVALID);
    run(f, "sed 1d ../signers >allowed_signers");
    assert_found(f, 1, VELD_E_INVALID);
    run(f, "rm allowed_signers && ln -s ../signers allowed_signers");
    assert_found(f, 1, VELD_E_NOT_FOUND);
    run(f, "rm -rf .git");
    assert_int_equal(audit(f), VELD_E_NOT_FOUND);
}

/* What its own device signed and is yet not so: git is content with both. */
static void a_wrong_tree_or_parent_is_told(void **state)
{
    fixture *f = *state;
    exported_case *made = &f->made;
    size_t first = exported_case_add(made, 0, NULL, 0, 1772438400000, 60);
    size_t second = exported_case_add(made, 0, &first, 1, 1772438401000, 60);
    exported_change *wrong = &made->changes[second];
    wrong->change.tree.bytes[7] ^= 1;
    wrong->parents[0].id.bytes[7] ^= 1;
    assert_ok(veld_commit_sign(&wrong->change, &made->devices[0].signer, NULL));
    assert_ok(exported_case_write(made, 0, f->dir, NULL));
    run(f, "git fsck --strict && git verify-commit main");
    assert_found(f, 2, VELD_E_DAMAGED);
}

static void a_tail_is_clean_and_says_so(void **state)
{
    fixture *f = *state;
    exported_case *made = &f->made;
    size_t first = exported_case_add(made, 0, NULL, 0, 1772438400000, 60);
    size_t second = exported_case_add(made, 0, &first, 1, 1772438401000, 60);
    (void)exported_case_add(made, 0, &second, 1, 1772438402000, 60);
    assert_ok(exported_case_write(made, 1, f->dir, NULL));
    assert_clean(f, 2, 1);
    assert_int_equal(f->summary.incomplete, 1);
    run(f, "rm .git/shallow");
    assert_found(f, 1, VELD_E_NOT_FOUND);
}

/* Flip bits all over the pack: either something is told, or nothing that counts was changed. */
static void a_damaged_pack_never_passes_for_another_case(void **state)
{
    fixture *f = *state;
    make_parted(f);
    assert_clean(f, 5, 2);
    veld_hash before[EXPORTED_CHANGES_MAX];
    memcpy(before, f->seen, sizeof before);
    char path[SHELL_TEXT_MAX];
    shell_print(path, sizeof path, "%s/pack", f->folder);
    run(f, "chmod -R u+w .git && mv .git/objects/pack/*.pack ../pack && "
           "ln ../pack .git/objects/pack/$(basename .git/objects/pack/*.idx .idx).pack");
    FILE *pack = fopen(path, "r+b");
    assert_non_null(pack);
    assert_int_equal(fseek(pack, 0, SEEK_END), 0);
    long size = ftell(pack), told = 0, tried = 0;
    for (long at = 0; at < size; at += 37, tried++) {
        assert_int_equal(fseek(pack, at, SEEK_SET), 0);
        int byte = fgetc(pack);
        assert_int_equal(fseek(pack, at, SEEK_SET), 0);
        assert_int_equal(fputc(byte ^ (1 << (at % 8)), pack), byte ^ (1 << (at % 8)));
        assert_int_equal(fflush(pack), 0);
        veld_status status = audit(f);
        if (status != VELD_OK || f->summary.findings > 0)
            told++;
        else
            assert_memory_equal(before, f->seen, sizeof before);
        assert_int_equal(fseek(pack, at, SEEK_SET), 0);
        assert_int_equal(fputc(byte, pack), byte);
        assert_int_equal(fflush(pack), 0);
    }
    assert_int_equal(fclose(pack), 0);
    assert_true(told > tried * 8 / 10);
}

/* ---- a change without its files ---- */

static void make_apart(fixture *f)
{
    exported_case *made = &f->made;
    size_t first = exported_case_add(made, 0, NULL, 0, 1772438400000, 60);
    size_t second = exported_case_add(made, 0, &first, 1, 1772438401000, 60);
    size_t last = exported_case_add(made, 1, &second, 1, 1772438402000, 60);
    veld_change *change = &made->changes[last].change;
    veld_write write = {.record = made->case_id,
        .type = veld_span_text("person"),
        .field = veld_span_text("name"),
        .value = veld_span_text("\"Mina\"")};
    change->writes = &write;
    change->writes_count = 1;
    assert_ok(veld_change_derive(change, NULL));
    assert_ok(veld_commit_sign(change, &made->devices[1].signer, NULL));
    assert_ok(exported_case_write_apart(made, f->dir, NULL));
}

static void what_lies_apart_is_clean_and_counted(void **state)
{
    fixture *f = *state;
    make_apart(f);
    run(f, "test -z \"$(git fsck --strict --full)\"");
    assert_clean(f, 2, 1);
    assert_int_equal(f->summary.apart, 1);
    run(f, "git pack-refs --all && git repack -adq && git prune && git fsck --strict --full");
    assert_clean(f, 2, 1);
    assert_int_equal(f->summary.apart, 1);
    f->forget_keys = true;
    assert_found(f, 3, VELD_E_NOT_FOUND);
    f->forget_keys = false;
    f->swap_keys = true;
    assert_found(f, 3, VELD_E_FORGED);
}

/* Bits all over both files, and trees that stock git takes and we would never write. */
static void what_lies_apart_and_was_changed_is_told(void **state)
{
    fixture *f = *state;
    make_apart(f);
    run(f, "git ls-tree refs/veldkit/apart | cut -f2 | tr -d '\\n' >../id");
    run(f,
        "for n in commit writes; do git cat-file blob refs/veldkit/apart:$(cat ../id)/$n >../$n; "
        "done; git rev-parse refs/veldkit/apart >../root");
    static const char *const put =
        "c=$(git hash-object -w ../commit) w=$(git hash-object -w ../writes) && "
        "t=$(printf '100644 blob %s\\tcommit\\n100644 blob %s\\twrites\\n' $c $w | git mktree) && "
        "git update-ref refs/veldkit/apart $(printf '040000 tree %s\\t%s\\n' $t $(cat ../id) | "
        "git mktree)";
    run(f, put);
    assert_clean(f, 2, 1);
    for (int n = 0; n < 2; n++) {
        char path[SHELL_TEXT_MAX];
        shell_print(path, sizeof path, "%s/%s", f->folder, n == 0 ? "commit" : "writes");
        FILE *file = fopen(path, "r+b");
        assert_non_null(file);
        assert_int_equal(fseek(file, 0, SEEK_END), 0);
        const long size = ftell(file);
        for (long at = 0; at < size; at += 1 + size / 20) {
            assert_int_equal(fseek(file, at, SEEK_SET), 0);
            const int byte = fgetc(file);
            for (int once = 0; once < 2; once++) {
                assert_int_equal(fseek(file, at, SEEK_SET), 0);
                (void)fputc(once == 0 ? byte ^ (1 << (at % 8)) : byte, file);
                assert_int_equal(fflush(file), 0);
                if (once == 1)
                    break;
                run(f, put);
                assert_ok(audit(f));
                assert_int_not_equal(f->summary.findings, 0);
            }
        }
        assert_int_equal(fclose(file), 0);
    }
    run(f, "git update-ref refs/veldkit/apart main^{tree}");
    assert_ok(audit(f));
    assert_int_not_equal(f->summary.findings, 0);
    run(f, "git update-ref refs/veldkit/apart main");
    assert_ok(audit(f));
    assert_int_not_equal(f->summary.findings, 0);
    run(f, "i=$(cat ../id) && git update-ref refs/veldkit/apart $(printf '040000 tree %s\\t%s\\n' "
           "$(git rev-parse $(cat ../root):$i) $(tr 0-9 1-90 <../id) | git mktree)");
    assert_ok(audit(f));
    assert_int_not_equal(f->summary.findings, 0);
    run(f, "git update-ref refs/veldkit/apart $(cat ../root)");
    assert_clean(f, 2, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_we_exported_is_clean, start, stop),
        cmocka_unit_test_setup_teardown(keys_are_the_callers_not_the_folders, start, stop),
        cmocka_unit_test_setup_teardown(what_the_folder_configures_has_no_effect, start, stop),
        cmocka_unit_test_setup_teardown(what_others_add_or_move_is_told, start, stop),
        cmocka_unit_test_setup_teardown(a_wrong_tree_or_parent_is_told, start, stop),
        cmocka_unit_test_setup_teardown(a_tail_is_clean_and_says_so, start, stop),
        cmocka_unit_test_setup_teardown(what_lies_apart_is_clean_and_counted, start, stop),
        cmocka_unit_test_setup_teardown(what_lies_apart_and_was_changed_is_told, start, stop),
        cmocka_unit_test_setup_teardown(a_damaged_pack_never_passes_for_another_case, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
