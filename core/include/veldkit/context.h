/* context.h: the name of every use of a key or a hash, in one place.
 *
 * Two uses with different names cannot be taken for each other, whatever bytes go in. So no KDF,
 * MAC, hash, signature or HPKE call of ours is without a name, every name is written here and
 * nowhere else, and no name is the beginning of another one (a test holds that). The digit at the
 * end is the version of the use: what goes in changes, the digit changes. Names are part of the
 * formats: one that was ever used is never given a second meaning. Source: security.md 2 and 3. */
#ifndef VELDKIT_CONTEXT_H
#define VELDKIT_CONTEXT_H

/* ---- HKDF info: PIN and hardware key to the key that wraps the vault key ---- */
#define VELD_CONTEXT_UNLOCK "veldkit/unlock/1" /* followed by the device id, 16 bytes */

/* ---- HKDF info: from the stretched PIN: what a chip asks for ---- */
#define VELD_CONTEXT_KEYSTORE_AUTH "veldkit/keystore-auth/1" /* followed by the keystore's id */

/* ---- HKDF info: from the vault key VK ---- */
#define VELD_CONTEXT_VAULT_ROW_ID    "veldkit/vault/row-id/1"    /* keyed ids of rows */
#define VELD_CONTEXT_VAULT_HEDGE     "veldkit/vault/hedge/1"     /* nonce hedge */
#define VELD_CONTEXT_VAULT_ROW       "veldkit/vault/row/1"       /* rows that belong to no case */
#define VELD_CONTEXT_VAULT_LOG       "veldkit/vault/log/1"       /* local access log */
#define VELD_CONTEXT_VAULT_WRAP      "veldkit/vault/wrap/1"      /* the device's private keys */
#define VELD_CONTEXT_VAULT_SNAPSHOT  "veldkit/vault/snapshot/2"  /* sealed index snapshot */
#define VELD_CONTEXT_VAULT_KEY_CHECK "veldkit/vault/key-check/1" /* is this the right VK? */

/* ---- HKDF info: from a case key CK[case, epoch] ---- */
#define VELD_CONTEXT_CASE_ENC       "veldkit/case/enc/1"       /* Kenc: envelopes */
#define VELD_CONTEXT_CASE_COMMIT    "veldkit/case/commit/1"    /* Kcommit: key commitment */
#define VELD_CONTEXT_CASE_KEY_CHECK "veldkit/case/key-check/1" /* is this the right CK? */
#define VELD_CONTEXT_CASE_ROW       "veldkit/case/row/1"       /* rows at rest of the case */

/* ---- HKDF info: from the key of one attachment ---- */
#define VELD_CONTEXT_CHUNK "veldkit/chunk/1"

/* ---- HKDF info: from the unlock key KEK ---- */
#define VELD_CONTEXT_UNLOCK_WRAP "veldkit/unlock-wrap/1" /* the vault key */

/* ---- HKDF info: from the PIN of a person of the office ---- */
#define VELD_CONTEXT_STAFF_UNLOCK "veldkit/staff/unlock/1" /* followed by the user id, 16 bytes */
#define VELD_CONTEXT_STAFF_WRAP   "veldkit/staff/wrap/1"   /* her signing key */

/* ---- HMAC: enrolment (the key is the secret of the invitation code) ---- */
#define VELD_CONTEXT_ENROL_INVITE "veldkit/enrol/invite/1" /* the name of an invitation */
#define VELD_CONTEXT_ENROL_DEVICE "veldkit/enrol/device/1" /* proof by the device */
#define VELD_CONTEXT_ENROL_OFFICE "veldkit/enrol/office/1" /* proof by the office */
#define VELD_CONTEXT_ENROL_CHECK  "veldkit/enrol/check/1"  /* the check code that both show */

/* ---- hashes of ours (veld_hash_named) ---- */
#define VELD_CONTEXT_HASH_WRITES     "veldkit/hash/writes/1" /* the writes part of a change */
#define VELD_CONTEXT_HASH_CORE       "veldkit/hash/core/1" /* all that the author of a change decided */
#define VELD_CONTEXT_HASH_WRITE      "veldkit/hash/write/1"    /* the id of one write */
#define VELD_CONTEXT_HASH_ENTRY      "veldkit/hash/entry/1"    /* leaf of a Merkle log */
#define VELD_CONTEXT_HASH_NODE       "veldkit/hash/node/1"     /* inner node of a Merkle log */
#define VELD_CONTEXT_HASH_ACCESS     "veldkit/hash/access/1"   /* link of the access log */
#define VELD_CONTEXT_HASH_FILE       "veldkit/hash/file/1"     /* a file of an author's tree */
#define VELD_CONTEXT_HASH_FOLDER     "veldkit/hash/folder/1"   /* a folder of an author's tree */
#define VELD_CONTEXT_HASH_SIGNER     "veldkit/hash/signer/1"   /* what a stand-in signer signs */
#define VELD_CONTEXT_HASH_CARD       "veldkit/hash/card/1"     /* the check code of a card */
#define VELD_CONTEXT_HASH_SEEN       "veldkit/hash/seen/1"     /* what who decides had before her */
#define VELD_CONTEXT_HASH_CONFLICT   "veldkit/hash/conflict/1" /* the id of a conflict on a field */
#define VELD_CONTEXT_HASH_PART       "veldkit/hash/part/1" /* the state of several cases as one */
#define VELD_CONTEXT_HASH_CHECKPOINT "veldkit/hash/checkpoint/1" /* a checkpoint's bytes */
#define VELD_CONTEXT_HASH_HELD       "veldkit/hash/held/1"  /* the set of changes that is held */
#define VELD_CONTEXT_HASH_CASE       "veldkit/hash/case/1"  /* a case's id, from its founder */
#define VELD_CONTEXT_HASH_PLACE      "veldkit/hash/place/1" /* a part's id, from where it stands */
#define VELD_CONTEXT_HASH_PAPER      "veldkit/hash/paper/1" /* a key that was written down */

#define VELD_CONTEXT_HASH_PAPER_LINE "veldkit/hash/paper-line/1" /* one line of it */
#define VELD_CONTEXT_HASH_RECOVERY   "veldkit/hash/recovery/1"   /* a recovery code */

/* ---- SSHSIG namespaces: what a signature says about the bytes under it ---- */
#define VELD_NAMESPACE_COMMIT         "git" /* a change; the name is what git verify-commit demands */
#define VELD_NAMESPACE_DIRECTORY      "veldkit-directory-1"      /* entry of the directory log */
#define VELD_NAMESPACE_DIRECTORY_HEAD "veldkit-directory-head-1" /* root of the directory log */
#define VELD_NAMESPACE_INTRODUCTION                                                                \
    "veldkit-introduction-1"                             /* an entry and a name, for one device */
#define VELD_NAMESPACE_GRANT      "veldkit-grant-1"      /* a wrapped case key */
#define VELD_NAMESPACE_RECEIPT    "veldkit-receipt-1"    /* the relay has it */
#define VELD_NAMESPACE_CHECKPOINT "veldkit-checkpoint-1" /* root of a Merkle log */
#define VELD_NAMESPACE_HEAD       "veldkit-head-1"       /* the agency's head of a case */
#define VELD_NAMESPACE_ENROL      "veldkit-enrol-1"      /* a device asks to be taken in */
#define VELD_NAMESPACE_ACCESS     "veldkit-access-1"     /* lines of a device's access log */
#define VELD_NAMESPACE_KEPT       "veldkit-kept-1"       /* the agency keeps these lines */
#define VELD_NAMESPACE_RENEW      "veldkit-renew-1"      /* a device asks to be renewed, and is */
#define VELD_NAMESPACE_CARD       "veldkit-card-1"       /* the public card of a device */
#define VELD_NAMESPACE_DECISION   "veldkit-decision-1"   /* a person of the office decides */
#define VELD_NAMESPACE_FORGET     "veldkit-forget-1"     /* the relay is to forget a case */

/* what the agency tells a device to destroy, that it did, and what of its work is kept apart */
#define VELD_NAMESPACE_ORDER        "veldkit-order-1"
#define VELD_NAMESPACE_CONFIRMATION "veldkit-confirmation-1"
#define VELD_NAMESPACE_STAND_IN     "veldkit-stand-in-1" /* a key that may confirm a wipe */
#define VELD_NAMESPACE_ASIDE        "veldkit-aside-1"

/* ---- JWS `typ`: documents for readers outside Veldkit ---- */
#define VELD_JWS_PLAN   "veldkit-plan+jws"   /* signed safety plan */
#define VELD_JWS_BAN    "veldkit-ban+jws"    /* decision on a home ban */
#define VELD_JWS_AUDIT  "veldkit-audit+jws"  /* exported access log */
#define VELD_JWS_ERASED "veldkit-erased+jws" /* what remains of an erased case */
#define VELD_JWS_REPORT "veldkit-report+jws" /* exported report */

/* ---- HPKE info ---- */
#define VELD_HPKE_CASE_KEY    "veldkit/hpke/case-key/1" /* a case key to a device or the agency */
#define VELD_HPKE_BLIND       "veldkit/hpke/blind/1"    /* blind work, envelope alg 2 */
#define VELD_HPKE_NAME        "veldkit/hpke/name/1"   /* who works with a device, to a colleague */
#define VELD_HPKE_ACCESS      "veldkit/hpke/access/1" /* access log to the agency */
#define VELD_HPKE_RECOVERY    "veldkit/hpke/recovery/1"    /* to the offline recovery key */
#define VELD_HPKE_DEVICE_CODE "veldkit/hpke/device-code/1" /* a tablet's recovery code */

#endif
