/* limits.h: every bound of the library in one place. A bound is a promise to both sides: what is
 * below it works, what is above it is refused with VELD_E_LIMIT before memory is spent. */
#ifndef VELDKIT_LIMITS_H
#define VELDKIT_LIMITS_H

/* JSON from outside (a dossier, an API body). */
#define VELD_JSON_BYTES_MAX   (8u << 20)
#define VELD_JSON_DEPTH_MAX   64u
#define VELD_JSON_MEMBERS_MAX 200000u /* members and elements of one document together */
#define VELD_JSON_POINTER_MAX 512u    /* bytes of a pointer in an error; longer is cut */

/* The store. */
#define VELD_PASSPHRASE_BITS_MIN  50u   /* estimated, when no chip counts attempts */
#define VELD_PIN_LENGTH_MIN       6u    /* bytes, when a chip does */
#define VELD_KEYSTORE_SEALED_MAX  2048u /* what a chip makes of a key */
#define VELD_VAULT_FILE_BYTES_MAX 4096u
#define VELD_HOME_PATH_MAX        3072u
#define VELD_STORE_BODY_BYTES_MAX (15u << 20) /* one row; under VELD_SEAL_BYTES_MAX */
#define VELD_STORE_NAME_BYTES_MAX 256u
#define VELD_STORE_EPOCHS_MAX     4096u      /* keys of one case */
#define VELD_INDEX_TEXT_BYTES_MAX (1u << 20) /* title or text of one case */
#define VELD_INDEX_BYTES_MAX      (256u << 20)
#define VELD_INDEX_WORDS_MAX      16u /* of one query */

/* Cryptography. */
#define VELD_SEAL_BYTES_MAX       (16u << 20)
#define VELD_SEAL_AAD_BYTES_MAX   1024u
#define VELD_SIGNATURE_TEXT_MAX   4096u
#define VELD_SSHSIG_NAMESPACE_MAX 64u
#define VELD_SSH_PRINCIPAL_MAX    64u
#define VELD_SSH_COMMENT_MAX      128u
#define VELD_JWS_BYTES_MAX        (1u << 20) /* payload */
#define VELD_JWS_TEXT_MAX         ((VELD_JWS_BYTES_MAX / 3u + 1u) * 4u + 1024u)
#define VELD_JWS_NAME_MAX         128u /* key id and type of the header */
#define VELD_PIN_BYTES_MAX        1024u
#define VELD_PIN_PASSES_MAX       64u
#define VELD_PIN_MEMORY_KIB_MAX   (1u << 20)
#define VELD_PIN_LANES_MAX        4u

/* A case in memory. */
#define VELD_CHANGE_MEMORY_MAX    (64u << 20)  /* one change, taken apart */
#define VELD_CHECKPOINT_ITEMS_MAX 4000000u     /* entries, origins or held changes */
#define VELD_STATE_BYTES_MAX      (512u << 20) /* of one case: values, ids, nodes */

/* History: trees, commits, exported repositories. */
#define VELD_TREE_FILE_BYTES_MAX VELD_STATE_BYTES_MAX /* a record as text: all of a case */
#define VELD_COMMIT_BYTES_MAX    (64u << 10)          /* with signature and all parents */
#define VELD_REPO_OBJECTS_MAX    (2u << 20)           /* in one exported repository */
#define VELD_AUDIT_BYTES_MAX     (512u << 20) /* of the commits of one exported repository */

/* Wire. What fits into a change always fits into an envelope of its own. */
#define VELD_CHANGE_BYTES_MAX          (4u << 20) /* its writes, as they are hashed */
#define VELD_CHANGE_ALONE_BYTES_MAX    (VELD_CHANGE_BYTES_MAX + (256u << 10)) /* and all else */
#define VELD_CHANGE_WRITES_MAX         10000u
#define VELD_CHANGE_PARENTS_MAX        256u
#define VELD_CHANGE_VALUE_BYTES_MAX    (256u << 10)
#define VELD_CHANGE_NAME_BYTES_MAX     40u   /* record type, field */
#define VELD_CHANGE_REFERENCES_MAX     4096u /* of one write: replaced ids; basis alike */
#define VELD_ENVELOPE_BYTES_MAX        (8u << 20)
#define VELD_ENVELOPE_CHANGES_MAX      1024u
#define VELD_ENVELOPE_WRITES_MAX       100000u
#define VELD_ENVELOPE_BODY_BYTES_MAX   (16u << 20) /* unpacked */
#define VELD_ENVELOPE_BODY_RATIO_MAX   64u         /* unpacked to packed */
#define VELD_ENVELOPE_WINDOW_LOG_MAX   23
#define VELD_CHECKPOINT_ITEM_BYTES_MAX VELD_ENVELOPE_BYTES_MAX /* as it travels */
#define VELD_GRANT_BYTES_MAX           1024u
#define VELD_CARD_BYTES_MAX            1024u
#define VELD_CARD_NAME_BYTES_MAX       80u
#define VELD_FRAME_BYTES_MAX           (VELD_ENVELOPE_BYTES_MAX + 16u)
#define VELD_FRAME_COUNT_MAX           1000000u
#define VELD_FRAME_PROGRAM_BYTES_MAX   40u
#define VELD_CBOR_DEPTH_MAX            8u /* of what is skipped */

/* Record schemas and what is saved by them. */
#define VELD_SCHEMA_SET_BYTES_MAX    (4u << 20) /* all schemas in memory */
#define VELD_SCHEMA_FIELDS_MAX       64u
#define VELD_SCHEMA_CHOICES_MAX      64u
#define VELD_MERGE_SENTENCES_MAX     256u       /* of each text that is merged */
#define VELD_MERGE_BYTES_MAX         (1u << 20) /* of memory for one merge */
#define VELD_SCHEMA_GUARDS_MAX       16u        /* conditions on one value */
#define VELD_SCHEMA_LABEL_MAX        200u       /* code points */
#define VELD_SCHEMA_TEXT_MAX         30000u     /* code points; fits VELD_CHANGE_VALUE_BYTES_MAX */
#define VELD_DOSSIER_RECORDS_MAX     2000u
#define VELD_DOSSIER_ELEMENTS_MAX    500u /* of a field that holds a set */
#define VELD_DOSSIER_REF_BYTES_MAX   64u
#define VELD_DOSSIER_ASSIGNMENTS_MAX 64u

/* Network. */
#define VELD_CERTIFICATE_BYTES_MAX         2048u
#define VELD_CERTIFICATE_NAMES_MAX         16u
#define VELD_TLS_CAS_MAX                   8u /* of before, beside the present one */
#define VELD_CERTIFICATE_NAME_BYTES_MAX    253u
#define VELD_TLS_FEED_BYTES_MAX            (64u << 10)
#define VELD_TLS_OUTPUT_BYTES_MAX          (256u << 10)
#define VELD_HTTP2_HEAD_BYTES_MAX          8192u
#define VELD_HTTP2_PATH_BYTES_MAX          1024u
#define VELD_HTTP2_STREAMS_MAX             32u
#define VELD_HTTP2_BODY_BYTES_MAX          (256u << 20)
#define VELD_HTTP2_OUTPUT_BYTES            (64u << 10)
#define VELD_HTTP2_IDLE_FRAMES_MAX         200u
#define VELD_HTTP2_IDLE_FRAMES_PER_REQUEST 10u
#define VELD_NET_HANDSHAKE_MS              5000
#define VELD_NET_HEAD_MS                   10000
#define VELD_NET_BODY_MS                   30000
#define VELD_NET_BODY_BYTES_PER_S          8192
#define VELD_NET_IDLE_MS                   60000

/* Exchange. */
#define VELD_BUNDLE_BYTES_MAX          (256u << 20) /* one file */
#define VELD_EXCHANGE_BYTES_MAX        (32u << 20)  /* one request or answer */
#define VELD_EXCHANGE_ITEMS_MAX        10000u       /* of one request */
#define VELD_EXCHANGE_WANTS_MAX        64u          /* items asked for again at once */
#define VELD_EXCHANGE_PAGE_BYTES_MIN   (16u << 10)  /* of items in an answer, after failures */
#define VELD_EXCHANGE_PAGE_BYTES_FIRST (1u << 20)   /* before it is known how the line is */
#define VELD_EXCHANGE_PAGE_BYTES_MAX   (4u << 20)   /* and at best */
#define VELD_EXCHANGE_SCAN_ITEMS_MAX   20000u       /* of the journal, looked at for one answer */
#define VELD_EXCHANGE_HOLDINGS_MAX     512u         /* envelopes named in one frame */
#define VELD_EXCHANGE_RUN_MAX          64u          /* changes sealed together */
#define VELD_QUOTA_MS                  (24 * 60 * 60 * 1000) /* what a device may hand in, in so long */
#define VELD_QUOTA_ITEMS               10000u /* new items: far more than a busy worker makes */
#define VELD_QUOTA_BYTES               (2ull << 30)
#define VELD_QUOTA_ITEMS_REVOKED       1000u /* of one that may hand in only */
#define VELD_QUOTA_BYTES_REVOKED       (32u << 20)
#define VELD_EXCHANGE_WAIT_MS_MAX      25000u /* an answer is held back */
#define VELD_SYNC_IDLE_MS              60000  /* between exchanges that had nothing to say */
#define VELD_SYNC_BACKOFF_MS_MAX       300000 /* after many failures */
#define VELD_SYNC_PENDING_MAX          10000u /* items that could not be opened yet, in memory */
#define VELD_GLASS_BYTES_MAX           (64u << 20) /* of one case, held for an emergency */
#define VELD_SYNC_CHECKPOINT_MIN       100u  /* changes, from which a checkpoint is worth it */
#define VELD_HEAD_CHANGES_MAX          4096u /* heads and ends of chains of one case */
#define VELD_DIRECTORY_BYTES_MAX       2560u /* a statement or an entry */
#define VELD_INTRODUCTION_BYTES_MAX    6144u /* a proved entry for one device */
#define VELD_ORDER_BYTES_MAX           512u  /* an order or its confirmation */

/* Access log. */
#define VELD_ACCESS_WORD_BYTES_MAX    40u /* verb, compartment */
#define VELD_ACCESS_REASON_BYTES_MAX  500u
#define VELD_ACCESS_ENTRY_BYTES_MAX   1024u
#define VELD_ACCESS_BATCH_ENTRIES_MAX 512u
#define VELD_ACCESS_BATCH_BYTES_MAX   (1u << 20)

/* Enrolment. */
#define VELD_ENROL_ADDRESS_BYTES_MAX 200u
#define VELD_ENROL_REQUEST_BYTES_MAX 2048u
#define VELD_ENROL_ANSWER_BYTES_MAX  16384u
#define VELD_ENROL_WAITING_MAX       64u              /* requests at the relay */
#define VELD_ENROL_WAITING_MS        (15 * 60 * 1000) /* and how long */
#define VELD_ENROL_CODE_MS           (10 * 60 * 1000) /* a code works */

#endif
