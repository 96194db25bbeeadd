// jws_test.mjs TOOL: jose accepts our documents and refuses each one with a changed character; we
// accept a document that jose made in our form, and refuse the forms that are not ours.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";

const modules = process.env.VELD_NODE_MODULES;
if (!modules || !existsSync(`${modules}/jose`)) {
  console.log("skipped: the test packages are not installed (tests/node/install.sh)");
  process.exit(77);
}
const require = createRequire(`${modules}/`);
const jose = require("jose");
const tool = process.argv[2];
const TYPE = "veldkit-plan+jws";
const KEY_ID = "agency:plan-key_1";
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

const run = (args, input = "") => execFileSync(tool, args, { input, maxBuffer: 1 << 26 }).toString();
const jwk = JSON.parse(run(["jwk"]));
const privateKey = await jose.importJWK(jwk, "ES256");
const publicKey = await jose.importJWK({ kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y }, "ES256");
const payload = JSON.stringify({ plan: "Veiligheidsplan", version: 3, signed: ["é", "ü"] });

const accepts = (text) =>
  jose.compactVerify(text, publicKey, { algorithms: ["ES256"] }).then(
    (result) => result,
    () => null,
  );

// ---- ours, read by jose ----
const ours = run(["jws", TYPE, KEY_ID], payload);
const read = await accepts(ours);
assert.ok(read, "jose refuses our document");
assert.equal(Buffer.from(read.payload).toString(), payload);
assert.deepEqual(read.protectedHeader, { alg: "ES256", kid: KEY_ID, typ: TYPE });

// Each character changed, to one that differs in the lowest bit that still counts.
const changed = [];
for (let at = 0; at < ours.length; at++) {
  if (ours[at] === ".") {
    changed.push(`${ours.slice(0, at)}A${ours.slice(at + 1)}`);
    continue;
  }
  const other = LETTERS[LETTERS.indexOf(ours[at]) ^ 32]; // the top bit is never padding
  changed.push(ours.slice(0, at) + other + ours.slice(at + 1));
}
let refused = 0;
for (const text of changed) {
  assert.equal(await accepts(text), null, `jose accepts ${text}`);
  refused++;
}
const answers = run(["jws-verify", TYPE, KEY_ID], `${changed.join("\n")}\n${ours}\n`).trimEnd().split("\n");
assert.equal(answers.pop(), `ok ${payload}`);
assert.equal(answers.length, changed.length);
for (const answer of answers) assert.match(answer, /^(form|forged) $/);

// ---- theirs, read by us ----
const sign = (header) =>
  new jose.CompactSign(Buffer.from(payload)).setProtectedHeader(header).sign(privateKey);
const isLow = (text) =>
  BigInt(`0x${Buffer.from(text.split(".")[2], "base64url").subarray(32).toString("hex")}`) <= ORDER / 2n;

let low = 0;
let high = 0;
while (low < 3 || high < 3) {
  const text = await sign({ alg: "ES256", kid: KEY_ID, typ: TYPE });
  const answer = run(["jws-verify", TYPE, KEY_ID], `${text}\n`);
  if (isLow(text)) {
    assert.equal(answer, `ok ${payload}\n`);
    low++;
  } else {
    assert.equal(answer, "forged \n");
    high++;
  }
}
for (const header of [
  { alg: "ES256", typ: TYPE, kid: KEY_ID }, // another order
  { alg: "ES256", kid: KEY_ID },
  { alg: "ES256", kid: KEY_ID, typ: TYPE, jwk: { kty: "EC" } },
]) {
  assert.equal(run(["jws-verify", TYPE, KEY_ID], `${await sign(header)}\n`), "form \n");
}
const hmac = await new jose.CompactSign(Buffer.from(payload))
  .setProtectedHeader({ alg: "HS256", kid: KEY_ID, typ: TYPE })
  .sign(Buffer.from(jwk.x, "base64url"));
assert.equal(run(["jws-verify", TYPE, KEY_ID], `${hmac}\n`), "form \n");
console.log(`jose: ours accepted, ${refused} changed ones refused by both; ${low} of theirs with a low s`);
