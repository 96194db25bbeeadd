/* Lock keeps sending: before the keys are wiped, what is unsent is sealed and given to a process of
 * its own, which is started anew from the program's file, so that nothing of the unlocked one is in
 * its memory. It has the sealed envelopes and the key for TLS, hands in, keeps the receipts, and
 * ends when all is in or its time is over. Nothing that can be read comes back to it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fc.h"
#include "veldkit/assert.h"
#include "veldkit/crypto.h"
#include "veldkit/directory.h"
#include "veldkit/host.h"
#include "veldkit/parcel.h"

enum {
    PARCEL_FD = STDERR_FILENO + 1,
    PARCEL_BYTES_MAX = 128 << 20,
    PACK_MS_MAX = 500, /* locking comes first: what is not sealed by then stays for later */
    SENDING_MS_MAX = 12 * 3600 * 1000,
    PAGE_MS_MAX = 600000,
    PAUSE_MS_FIRST = 1000,
    PAUSE_MS_MAX = 300000,
    LOOK_UP_MS = 5000
};

/* ---- before the keys are gone ---- */
static veld_status pack(fc_session *session, veld_buf *out, veld_error *err)
{
    veld_sync *engine = NULL;
    veld_agency agency;
    veld_buf pages;
    fc_way way = {0};
    veld_desk desk = session->desk;
    veld_status status;
    veld_buf_init(&pages, PARCEL_BYTES_MAX / 2);
    VELD_TRY(veld_agency_get(session->store, &session->desk.verifier, &agency, err));
    VELD_TRY(fc_way_load(session, &way, err));
    desk.watch = (veld_case_watch){0}; /* sealing shows nobody anything */
    const veld_sync_config config = {.desk = &desk,
        .program = "veldkit " VELD_VERSION,
        .role = VELD_SYNC_DEVICE,
        .agency = &agency,
        .anchor = &session->anchor};
    VELD_TRY(veld_sync_new(&config, &engine, err));
    VELD_TRY(veld_sync_pack(
        engine, veld_env_now(&session->env).monotonic_ms + PACK_MS_MAX, &pages, err));
    const veld_parcel parcel = {.address = veld_buf_span(&way.address),
        .certificate = veld_buf_span(&way.certificate),
        /* The sender knows one CA: the one that its certificate is by. A server of now shows the
         * way from there. */
        .ca = way.own_ca.len > 0 ? veld_buf_span(&way.own_ca) : veld_buf_span(&way.ca),
        .carrier_key = veld_secret_span(&way.key.scalar),
        .relay_key = agency.relay_key,
        .pages = veld_buf_span(&pages)};
    if (pages.len > 0)
        status = veld_parcel_write(&parcel, out, err);

done:
    veld_sync_free(engine);
    fc_way_release(&way);
    veld_buf_wipe(&pages);
    return status;
}

/* In the child: nothing but the parcel goes along. */
static void become_sender(const char *folder, int parcel)
{
    char name[] = FC_SENDER_NAME, home[VELD_CLI_FOLDER_BYTES_MAX + 1];
    char *const words[] = {name, home, NULL};
    sigset_t none;
    sigemptyset(&none);
    (void)snprintf(home, sizeof home, "%s", folder);
    if (setsid() < 0 || dup2(parcel, PARCEL_FD) != PARCEL_FD || fcntl(PARCEL_FD, F_SETFD, 0) != 0 ||
        close_range(PARCEL_FD + 1, UINT_MAX, 0) != 0 || sigprocmask(SIG_SETMASK, &none, NULL) != 0)
        _exit(1);
    execv("/proc/self/exe", words);
    _exit(1);
}

/* Whoever is already at it has less: the new one has all of that and more. */
void fc_sender_start(fc_session *session, const char *folder)
{
    veld_buf parcel;
    uint64_t unsent = 0;
    int fd = -1;
    veld_buf_init(&parcel, PARCEL_BYTES_MAX);
    fc_unsent_note(session, folder);
    if (!fc_unsent_read(folder, &unsent) || unsent == 0 ||
        pack(session, &parcel, NULL) != VELD_OK || parcel.len == 0)
        goto done;
    fd = memfd_create("parcel", MFD_CLOEXEC);
    if (fd < 0 || veld_cli_write_all(fd, -1, veld_buf_span(&parcel), NULL) != VELD_OK)
        goto done;
    fc_sender_end(folder);
    pid_t child = fork();
    if (child == 0)
        become_sender(folder, fd);

done:
    if (fd >= 0)
        close(fd);
    veld_buf_wipe(&parcel);
}

/* ---- the process without keys ---- */
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
} sending;

static veld_status read_parcel(sending *s)
{
    struct stat file = {0};
    uint8_t *room = NULL;
    veld_status status;
    veld_buf_init(&s->bytes, PARCEL_BYTES_MAX);
    if (fstat(PARCEL_FD, &file) != 0 || file.st_size <= 0)
        return VELD_E_IO;
    VELD_TRY(veld_buf_extend(&s->bytes, (size_t)file.st_size, &room));
    if (pread(PARCEL_FD, room, s->bytes.len, 0) != (ssize_t)s->bytes.len)
        return VELD_E_IO;
    close(PARCEL_FD);
    VELD_TRY(veld_parcel_read(veld_buf_span(&s->bytes), &s->parcel, NULL));
    VELD_TRY(veld_p256_import(s->parcel.carrier_key, &s->key, NULL));

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

/* The receipts are on the disk before the number goes down. */
static veld_status send_page(sending *s, const veld_parcel_page *page)
{
    veld_buf answer = {0}, receipts;
    unsigned http_status = 0;
    size_t changes = 0;
    const veld_host_request request = {.method = "POST",
        .path = "/v1/exchange",
        .body = page->body,
        .answer_bytes_max = VELD_EXCHANGE_BYTES_MAX,
        .timeout_ms = PAGE_MS_MAX,
        .cancel_fd = -1};
    veld_status status;
    veld_buf_init(&receipts, VELD_FRAME_BYTES_MAX);
    VELD_TRY(veld_host_link_request(s->link, &request, &http_status, &answer, NULL));
    if (http_status != 200)
        VELD_TRY(VELD_E_NETWORK);
    VELD_TRY(
        veld_parcel_receipt(&s->parcel, page, veld_buf_span(&answer), &receipts, &changes, NULL));
    VELD_TRY(veld_cli_write_all(s->handed_in, -1, veld_buf_span(&receipts), NULL));
    if (fsync(s->handed_in) != 0)
        VELD_TRY(VELD_E_IO);
    s->unsent = s->unsent > changes ? s->unsent - changes : 0;
    fc_unsent_write(s->folder, s->unsent);

done:
    veld_buf_release(&answer);
    veld_buf_release(&receipts);
    return status;
}

/* false when the vault is gone: then there is nobody to hand in for. */
static bool pause_sending(const sending *s, int pause_ms)
{
    struct stat file = {0};
    for (; pause_ms > 0; pause_ms -= LOOK_UP_MS) {
        (void)poll(NULL, 0, pause_ms < LOOK_UP_MS ? pause_ms : LOOK_UP_MS);
        if (fstat(s->handed_in, &file) != 0 || file.st_nlink == 0)
            return false;
    }
    return true;
}

/* Unlimited retries until the time is over: the network of a car park comes and goes. */
static void send_all(sending *s)
{
    const int64_t until_ms = veld_env_now(&s->env).monotonic_ms + SENDING_MS_MAX;
    veld_span pages = s->parcel.pages;
    veld_parcel_page page;
    bool have = false;
    int pause_ms = PAUSE_MS_FIRST;
    if (veld_parcel_next(&pages, &page, &have, NULL) != VELD_OK)
        return;
    while (have && veld_env_now(&s->env).monotonic_ms < until_ms) {
        if (send_page(s, &page) == VELD_OK) {
            pause_ms = PAUSE_MS_FIRST;
            if (veld_parcel_next(&pages, &page, &have, NULL) != VELD_OK)
                return;
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
    if (s.handed_in < 0 || fcntl(s.handed_in, F_SETLK, &lock) != 0 ||
        !fc_unsent_read(folder, &s.unsent))
        goto done;
    veld_cli_drop_streams();
    VELD_TRY(veld_crypto_init(NULL));
    VELD_TRY(read_parcel(&s));
    VELD_TRY(open_link(&s));
    send_all(&s);

done:
    veld_host_link_free(s.link);
    veld_tls_identity_free(s.identity);
    veld_p256_release(&s.key);
    veld_buf_wipe(&s.bytes);
    return status == VELD_OK ? 0 : 1;
}
