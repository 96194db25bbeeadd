// hpke_test.mjs TOOL: @hpke/core opens what we seal and we open what it seals, for several sizes; a
// changed byte, info or aad is refused on both sides.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { webcrypto } from "node:crypto";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";

globalThis.crypto ??= webcrypto; // Node.js 18 has it under another name
const modules = process.env.VELD_NODE_MODULES;
if (!modules || !existsSync(`${modules}/@hpke/core`)) {
  console.log("skipped: the test packages are not installed (tests/node/install.sh)");
  process.exit(77);
}
const require = createRequire(`${modules}/`);
const { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } = require("@hpke/core");
const tool = process.argv[2];
const INFO = "veldkit/hpke/case-key/1";
const AAD = "case 7, epoch 2";
const ENC_BYTES = 65;

const suite = new CipherSuite({
  kem: new DhkemP256HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
});
const jwk = JSON.parse(execFileSync(tool, ["jwk"]).toString());
const raw = (name) => Buffer.from(jwk[name], "base64url");
const bytes = (buffer) => new Uint8Array(buffer).buffer; // a copy that owns its memory
const text = (value) => bytes(Buffer.from(value));
const publicKey = await suite.kem.importKey(
  "raw",
  bytes(Buffer.concat([Buffer.of(4), raw("x"), raw("y")])),
  true,
);
const privateKey = await suite.kem.importKey("raw", bytes(raw("d")), false);

const theirOpen = (sealed, info = INFO, aad = AAD) =>
  suite
    .open(
      { recipientKey: { privateKey, publicKey }, enc: bytes(sealed.subarray(0, ENC_BYTES)), info: text(info) },
      bytes(sealed.subarray(ENC_BYTES)),
      text(aad),
    )
    .then(
      (plain) => Buffer.from(plain),
      () => null,
    );
const ourOpen = (sealed, info = INFO, aad = AAD) => {
  const result = spawnSync(tool, ["hpke-open", info, aad], { input: sealed.toString("hex") });
  return result.status === 0 ? result.stdout : null;
};

let both = 0;
for (const size of [0, 1, 32, 1000, 65536]) {
  const plain = Buffer.alloc(size, "kind");
  const hex = execFileSync(tool, ["hpke-seal", INFO, AAD], { input: plain, maxBuffer: 1 << 26 });
  const ours = Buffer.from(hex.toString().trim(), "hex");
  assert.deepEqual(await theirOpen(ours), plain, `they do not open ours of ${size} bytes`);
  const { ct, enc } = await suite.seal(
    { recipientPublicKey: publicKey, info: text(INFO) },
    bytes(plain),
    text(AAD),
  );
  const theirs = Buffer.concat([Buffer.from(enc), Buffer.from(ct)]);
  assert.deepEqual(ourOpen(theirs), plain, `we do not open theirs of ${size} bytes`);
  both++;
  if (size !== 32) continue;
  for (const sealed of [ours, theirs]) {
    assert.equal(await theirOpen(sealed, "another info"), null);
    assert.equal(await theirOpen(sealed, INFO, "another aad"), null);
    assert.equal(ourOpen(sealed, "another info"), null);
    assert.equal(ourOpen(sealed, INFO, "another aad"), null);
    for (let at = 0; at < sealed.length; at += 8) {
      const changed = Buffer.from(sealed);
      changed[at] ^= 1;
      assert.equal(ourOpen(changed), null, `byte ${at}`);
      assert.equal(await theirOpen(changed), null, `byte ${at}`);
    }
  }
}
console.log(`HPKE: ${both} sizes both ways`);
