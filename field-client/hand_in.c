/* The process that works for a locked vault. It has the sealed parcel and the key for TLS: it hands
 * in, keeps the relay's receipts, and listens for an order to wipe. Nothing that can be read comes
 * to it. It ends when its time is over, when somebody opens the vault, or when the folder is gone.
 *
 *   handing in --all in--> listening --order, and all is with the office--> wiping --> confirming
 *        ^_____another relay___|                                             |
 *                                     HOME/wiped is the moment, and says what is still to be told
 *
 * Killed anywhere before that moment, nothing has happened; after it, whoever comes by goes on. */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fc.h"
#include "veldkit/crypto.h"
#include "veldkit/directory.h"
#include "veldkit/host.h"
#include "veldkit/locked.h"

enum {
    SENDING_MS_MAX = 12 * 3600 * 1000,
    PAGE_MS_MAX = 600000,
    PAUSE_MS_FIRST = 1000,
    PAUSE_MS_MAX = 300000,
    LOOK_UP_MS = 5000,
    ANSWER_MS_MIN = 200 /* who answers sooner with nothing, over and over, is asked less often */
};

#define PROGRAM "veldkit " VELD_VERSION

typedef struct sending {
    const char *folder;
    veld_env env;
    int handed_in;
    veld_buf bytes;
    veld_parcel parcel;
    veld_p256_private key;
    veld_tls_identity *identity;
    veld_host_link *link;
    uint64_t unsent;
    veld_locked *locked; /* NULL: the vault is wiped, only that is still to be told */
    veld_buf page_bytes; /* of the confirmation */
    veld_span pages;
    veld_parcel_page page;
    bool have;
} sending;

static veld_status read_parcel(sending *s)
{
    struct stat file = {0};
    uint8_t *room = NULL;
    veld_status status;
    if (fstat(FC_PARCEL_FD, &file) != 0 || file.st_size <= 0)
        return VELD_E_IO;
    VELD_TRY(veld_buf_extend(&s->bytes, (size_t)file.st_size, &room));
    if (pread(FC_PARCEL_FD, room, s->bytes.len, 0) != (ssize_t)s->bytes.len)
        return VELD_E_IO;
    close(FC_PARCEL_FD);
    VELD_TRY(veld_parcel_read(veld_buf_span(&s->bytes), &s->parcel, NULL));
    VELD_TRY(veld_p256_import(s->parcel.carrier_key, &s->key, NULL));
    if (s->parcel.watch.len > 0)
        VELD_TRY(veld_locked_new(s->parcel.watch, &s->locked, NULL));
    s->pages = s->parcel.pages;
    status = veld_parcel_next(&s->pages, &s->page, &s->have, NULL);

done:
    return status;
}

static veld_status open_link(sending *s)
{
    char address[VELD_ENROL_ADDRESS_BYTES_MAX + 1];
    const veld_tls_settings settings = {
        .ca = s->parcel.ca, .certificate = s->parcel.certificate, .key = &s->key};
    veld_status status;
    (void)snprintf(address, sizeof address, "%.*s", (int)s->parcel.address.len,
        (const char *)s->parcel.address.data);
    VELD_TRY(veld_tls_identity_new(&settings, &s->identity, NULL));
    const veld_host_link_settings link = {
        .env = &s->env, .address = address, .identity = s->identity, .any_name = true};
    status = veld_host_link_new(&link, &s->link, NULL);

done:
    return status;
}

static int64_t now_ms(const sending *s)
{
    return veld_env_now(&s->env).monotonic_ms;
}

/* ---- one exchange ---- */
static veld_status ask(sending *s, veld_span body, veld_buf *answer)
{
    unsigned http_status = 0;
    const veld_host_request request = {.method = "POST",
        .path = "/v1/exchange",
        .body = body,
        .answer_bytes_max = VELD_EXCHANGE_BYTES_MAX,
        .timeout_ms = PAGE_MS_MAX,
        .cancel_fd = -1};
    veld_status status = veld_host_link_request(s->link, &request, &http_status, answer, NULL);
    return status == VELD_OK && http_status != 200 ? VELD_E_NETWORK : status;
}

/* The receipts are on the disk before the number goes down. */
static veld_status send_page(sending *s, size_t *changes)
{
    veld_buf answer = {0}, receipts;
    veld_status status;
    *changes = 0;
    veld_buf_init(&receipts, VELD_FRAME_BYTES_MAX);
    VELD_TRY(ask(s, s->page.body, &answer));
    VELD_TRY(veld_parcel_receipt(
        &s->parcel, &s->page, veld_buf_span(&answer), &receipts, changes, NULL));
    if (s->locked == NULL)
        goto done;
    VELD_TRY(veld_cli_write_all(s->handed_in, -1, veld_buf_span(&receipts), NULL));
    if (fsync(s->handed_in) != 0)
        VELD_TRY(VELD_E_IO);
    s->unsent = s->unsent > *changes ? s->unsent - *changes : 0;
    fc_unsent_write(s->folder, s->unsent);

done:
    veld_buf_release(&answer);
    veld_buf_release(&receipts);
    return status;
}

static veld_status hand_in(sending *s)
{
    size_t changes;
    veld_status status = send_page(s, &changes);
    return status == VELD_OK ? veld_parcel_next(&s->pages, &s->page, &s->have, NULL) : status;
}

static veld_status listen_once(sending *s)
{
    veld_buf request, answer = {0};
    bool more = false, lost = false;
    const int64_t begun_ms = now_ms(s);
    veld_status status;
    veld_buf_init(&request, VELD_FRAME_BYTES_MAX);
    VELD_TRY(veld_locked_request(s->locked, PROGRAM, VELD_EXCHANGE_WAIT_MS_MAX, &request, NULL));
    VELD_TRY(ask(s, veld_buf_span(&request), &answer));
    VELD_TRY(veld_locked_take(s->locked, veld_buf_span(&answer), &more, &lost, NULL));
    s->parcel.relay_key = *veld_locked_relay_key(s->locked);
    if (lost) {
        s->pages = s->parcel.pages;
        VELD_TRY(veld_parcel_next(&s->pages, &s->page, &s->have, NULL));
    }
    if (!more && now_ms(s) - begun_ms < ANSWER_MS_MIN)
        (void)poll(NULL, 0, ANSWER_MS_MIN);

done:
    veld_buf_release(&request);
    veld_buf_release(&answer);
    return status;
}

/* ---- the end of the vault ---- */

/* Everything that is still to be done lies in the mark before anything is destroyed. */
static veld_status wipe(sending *s, const veld_order *order)
{
    veld_buf parcel;
    const veld_signer carrier = veld_signer_p256(&s->key);
    const fc_wiped wiped = {.reason = order->reason, .utc_ms = veld_env_now(&s->env).wall_utc_ms};
    veld_parcel rest = s->parcel;
    veld_status status;
    veld_buf_init(&parcel, FC_PARCEL_BYTES_MAX);
    veld_buf_clear(&s->page_bytes);
    VELD_TRY(veld_locked_confirm(s->locked, &carrier, PROGRAM, &s->page_bytes, NULL));
    rest.watch = (veld_span){0};
    rest.pages = veld_buf_span(&s->page_bytes);
    VELD_TRY(veld_parcel_write(&rest, &parcel, NULL));
    VELD_TRY(fc_wiped_put(s->folder, &wiped, veld_buf_span(&parcel), NULL));
    s->parcel = rest;
    s->pages = rest.pages;
    veld_locked_free(s->locked);
    s->locked = NULL;
    (void)!fc_vault_remove(s->folder, NULL); /* who comes by next tries again */
    status = veld_parcel_next(&s->pages, &s->page, &s->have, NULL);

done:
    veld_buf_wipe(&parcel);
    return status;
}

/* The office has our word: the key for TLS goes too. */
static veld_status confirm(sending *s)
{
    char path[VELD_CLI_FOLDER_BYTES_MAX + 16];
    fc_wiped wiped;
    size_t told = 0;
    veld_status status;
    VELD_TRY(fc_vault_remove(s->folder, NULL));
    VELD_TRY(send_page(s, &told));
    if (told == 0)
        VELD_TRY(VELD_E_BUSY);
    if (fc_wiped_get(s->folder, &wiped, NULL))
        VELD_TRY(fc_wiped_put(s->folder, &wiped, (veld_span){0}, NULL));
    s->have = false;
    (void)snprintf(path, sizeof path, "%s/handed-in", s->folder);
    (void)unlink(path);

done:
    return status;
}

/* ---- all of it ---- */
static bool is_over(const sending *s)
{
    struct stat file = {0};
    return fstat(s->handed_in, &file) != 0 || file.st_nlink == 0;
}

/* false when the vault is gone: then there is nobody to hand in for. */
static bool pause_sending(const sending *s, int pause_ms)
{
    for (; pause_ms > 0; pause_ms -= LOOK_UP_MS) {
        (void)poll(NULL, 0, pause_ms < LOOK_UP_MS ? pause_ms : LOOK_UP_MS);
        if (is_over(s))
            return false;
    }
    return true;
}

static veld_status step(sending *s)
{
    veld_order order;
    veld_status status;
    if (s->locked == NULL)
        return confirm(s);
    status = s->have ? hand_in(s) : listen_once(s);
    if (status == VELD_OK && veld_locked_must_wipe(s->locked, !s->have, &order))
        status = wipe(s, &order);
    return status;
}

/* Unlimited retries until the time is over: the network of a car park comes and goes. */
static void work(sending *s)
{
    const int64_t until_ms = now_ms(s) + SENDING_MS_MAX;
    int pause_ms = PAUSE_MS_FIRST;
    while ((s->locked != NULL || s->have) && now_ms(s) < until_ms && !is_over(s)) {
        if (step(s) == VELD_OK) {
            pause_ms = PAUSE_MS_FIRST;
            continue;
        }
        if (!pause_sending(s, pause_ms))
            return;
        pause_ms = pause_ms * 2 < PAUSE_MS_MAX ? pause_ms * 2 : PAUSE_MS_MAX;
    }
}

/* A signal simply ends it: what was not handed in is still in the vault. */
int fc_sender_main(const char *folder)
{
    sending s = {.folder = folder, .handed_in = fc_handed_in_open(folder)};
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    veld_status status = VELD_E_BUSY;
    s.env = veld_host_env();
    veld_buf_init(&s.bytes, FC_PARCEL_BYTES_MAX);
    veld_buf_init(&s.page_bytes, VELD_FRAME_BYTES_MAX);
    if (folder[0] != '/' || s.handed_in < 0 || fcntl(s.handed_in, F_SETLK, &lock) != 0)
        goto done;
    (void)fc_unsent_read(folder, &s.unsent);
    veld_cli_drop_streams();
    VELD_TRY(veld_crypto_init(NULL));
    VELD_TRY(read_parcel(&s));
    VELD_TRY(open_link(&s));
    work(&s);

done:
    veld_host_link_free(s.link);
    veld_tls_identity_free(s.identity);
    veld_p256_release(&s.key);
    veld_locked_free(s.locked);
    veld_buf_wipe(&s.bytes);
    veld_buf_wipe(&s.page_bytes);
    return status == VELD_OK ? 0 : 1;
}
