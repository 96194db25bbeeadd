/* Sealing in a real TPM, the software one: what opens, what does not and why, and the count that
 * the TPM keeps. */
#include "veld_test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "veldkit/crypto.h"
#include "veldkit/tpm2.h"

typedef struct soft_tpm {
    char state[160];
    char socket[160], control[176], server[224], settings[224];
    veld_tpm2 tpm;
    pid_t process;
} soft_tpm;

static char folder[] = "/tmp/veldkit-tpm-XXXXXX";
static soft_tpm here, other;

static const uint8_t key[32] = {7, 7, 7};
static const uint8_t auth[32] = {1, 2, 3}, wrong[32] = {1, 2, 4};

static void pause_ms(long ms)
{
    const struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&wait, NULL);
}

static void start(soft_tpm *soft)
{
    soft->process = fork();
    if (soft->process == 0) {
        freopen("/dev/null", "w", stderr);
        execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", soft->state, "--server",
            soft->server, "--ctrl", soft->settings, "--flags", "not-need-init,startup-clear",
            (char *)NULL);
        _exit(127);
    }
    for (int tries = 0; tries < 200 && access(soft->socket, F_OK) != 0; tries++)
        pause_ms(10);
}

static void stop(soft_tpm *soft)
{
    if (soft->process > 0) {
        kill(soft->process, SIGTERM);
        waitpid(soft->process, NULL, 0);
    }
    soft->process = 0;
    unlink(soft->socket);
    unlink(soft->control);
}

static void prepare(soft_tpm *soft, const char *name)
{
    char text[256], path[160];
    snprintf(path, sizeof path, "mkdir -p %s/%s", folder, name);
    assert_int_equal(system(path), 0);
    snprintf(soft->state, sizeof soft->state, "dir=%s/%s", folder, name);
    snprintf(soft->socket, sizeof soft->socket, "%s/%s.sock", folder, name);
    snprintf(soft->control, sizeof soft->control, "%s.ctrl", soft->socket);
    snprintf(soft->server, sizeof soft->server, "type=unixio,disconnect,path=%s", soft->socket);
    snprintf(soft->settings, sizeof soft->settings, "type=unixio,path=%s", soft->control);
    snprintf(text, sizeof text, "swtpm:path=%s", soft->socket);
    assert_ok(veld_tpm2_address(veld_span_text(text), &soft->tpm, NULL));
    start(soft);
}

static void seal_one(soft_tpm *soft, bool counted, veld_buf *out)
{
    veld_keystore_chip chip = veld_tpm2_chip(&soft->tpm);
    veld_error err = {0};
    veld_buf_init(out, 2048);
    if (chip.seal(chip.context, veld_span_of(auth, sizeof auth), counted,
            veld_span_of(key, sizeof key), out, &err) != VELD_OK)
        fail_msg("%s", err.text);
}

static veld_status unseal_one(
    soft_tpm *soft, const uint8_t with[32], veld_span sealed, veld_error *err)
{
    veld_secret out = {0};
    veld_keystore_chip chip = veld_tpm2_chip(&soft->tpm);
    veld_status status = chip.unseal(chip.context, veld_span_of(with, 32), sealed, &out, err);
    if (status == VELD_OK)
        assert_memory_equal(out.data, key, sizeof key);
    veld_secret_release(&out);
    return status;
}

static void it_gives_the_key_for_the_auth_only(void **state)
{
    (void)state;
    veld_buf sealed;
    veld_error err = {0};
    seal_one(&here, true, &sealed);
    assert_ok(unseal_one(&here, auth, veld_buf_span(&sealed), NULL));
    assert_int_equal(unseal_one(&here, wrong, veld_buf_span(&sealed), &err), VELD_E_WRONG_PIN);
    stop(&here); /* a restart of the machine */
    start(&here);
    assert_ok(unseal_one(&here, auth, veld_buf_span(&sealed), NULL));
    for (size_t at = 0; at < sealed.len; at += 5) {
        if (at >= 34 && at < 68)
            continue; /* the endorsement key's name is for telling a cleared TPM from another */
        sealed.data[at] ^= 1;
        assert_int_not_equal(unseal_one(&here, auth, veld_buf_span(&sealed), NULL), VELD_OK);
        sealed.data[at] ^= 1;
    }
    for (size_t len = 0; len < sealed.len; len += 7)
        assert_int_equal(
            unseal_one(&here, auth, veld_span_of(sealed.data, len), NULL), VELD_E_DAMAGED);
    veld_buf_wipe(&sealed);
}

static void another_one_and_none_are_told_apart(void **state)
{
    (void)state;
    veld_buf sealed;
    veld_error stranger = {0}, silent = {0};
    seal_one(&here, true, &sealed);
    assert_int_equal(
        unseal_one(&other, auth, veld_buf_span(&sealed), &stranger), VELD_E_WRONG_DEVICE);
    assert_non_null(strstr(stranger.text, "ander apparaat"));
    stop(&other);
    assert_int_equal(unseal_one(&other, auth, veld_buf_span(&sealed), &silent), VELD_E_IO);
    assert_non_null(strstr(silent.text, "antwoordt geen TPM"));
    start(&other);
    veld_buf_wipe(&sealed);
}

static void one_that_was_cleared_says_so(void **state)
{
    (void)state;
    char command[512];
    veld_buf sealed;
    veld_error err = {0};
    seal_one(&other, true, &sealed);
    snprintf(command, sizeof command, "tpm2_clear -T %s >%s/clear 2>&1", other.tpm.address, folder);
    if (system("command -v tpm2_clear >/dev/null") != 0)
        skip();
    assert_int_equal(system(command), 0);
    assert_int_equal(unseal_one(&other, auth, veld_buf_span(&sealed), &err), VELD_E_WRONG_DEVICE);
    assert_non_null(strstr(err.text, "gewist"));
    veld_buf_wipe(&sealed);
}

/* Last: it leaves a TPM that answers nobody. What is not counted still opens. */
static void it_counts_wrong_ones_and_then_answers_none(void **state)
{
    (void)state;
    veld_buf counted, free_one;
    veld_status status = VELD_OK;
    seal_one(&here, true, &counted);
    seal_one(&here, false, &free_one);
    for (int i = 0; i < 40 && status != VELD_E_WAIT; i++) {
        status = unseal_one(&here, wrong, veld_buf_span(&counted), NULL);
        assert_true(status == VELD_E_WRONG_PIN || status == VELD_E_WAIT);
    }
    assert_int_equal(status, VELD_E_WAIT);
    assert_int_equal(unseal_one(&here, auth, veld_buf_span(&counted), NULL), VELD_E_WAIT);
    assert_int_equal(unseal_one(&here, wrong, veld_buf_span(&free_one), NULL), VELD_E_WRONG_PIN);
    assert_ok(unseal_one(&here, auth, veld_buf_span(&free_one), NULL));
    stop(&here);
    start(&here);
    assert_int_equal(unseal_one(&here, auth, veld_buf_span(&counted), NULL), VELD_E_WAIT);
    veld_buf_wipe(&counted);
    veld_buf_wipe(&free_one);
}

static void an_address_chooses_nothing_but_a_tpm(void **state)
{
    (void)state;
    static const char *const refused[] = {"", "device:", "device:/etc/passwd", "libevil.so",
        "/tmp/evil.so:x", "cmd:sh -c true", "swtpm:", "swtpm:path=relative",
        "tabrmd:", "swtpm:host=10.0.0.1,port=2321", "device:/dev/../etc/passwd",
        "device:/dev/tpm 0", "swtpm:path=/x\n"};
    static const char *const taken[] = {
        VELD_TPM2_DEVICE, "device:/dev/tpm0", "swtpm:path=/x", "swtpm:host=127.0.0.1,port=2321"};
    veld_tpm2 tpm;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (veld_tpm2_address(veld_span_text(refused[i]), &tpm, NULL) != VELD_E_INVALID)
            fail_msg("taken: %s", refused[i]);
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        assert_ok(veld_tpm2_address(veld_span_text(taken[i]), &tpm, NULL));
}

static int set_up(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    prepare(&here, "here");
    prepare(&other, "other");
    return veld_crypto_init(NULL) == VELD_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[64];
    stop(&here);
    stop(&other);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_gives_the_key_for_the_auth_only),
        cmocka_unit_test(another_one_and_none_are_told_apart),
        cmocka_unit_test(one_that_was_cleared_says_so),
        cmocka_unit_test(it_counts_wrong_ones_and_then_answers_none),
    };
    const struct CMUnitTest without[] = {
        cmocka_unit_test(an_address_chooses_nothing_but_a_tpm),
    };
    int failed = cmocka_run_group_tests(without, NULL, NULL);
    if (system("command -v swtpm >/dev/null") != 0) {
        puts("skipped: swtpm is not installed");
        return failed;
    }
    return failed + cmocka_run_group_tests(tests, set_up, tear_down);
}
