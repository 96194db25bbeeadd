// A second implementation of what proto/WIRE.md says, with nothing but Node.js: reads the CBOR of the
// golden vectors, computes the names of changes and writes, and checks a bundle's end, the check
// code of a card and the signed parts of a grant.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const vectors = join(process.env.VELD_SOURCE_DIR ?? ".", "proto/vectors/v0");
const load = (name) => JSON.parse(readFileSync(join(vectors, name), "utf8"));
const hex = (text) => Buffer.from(text, "hex");
const sha256 = (...parts) => parts.reduce((h, p) => h.update(p), createHash("sha256")).digest();
const named = (context, ...parts) => sha256(Buffer.from(context + "\0"), ...parts);

// ---- CBOR, as far as the formats use it ----
function head(major, value) {
  const n = BigInt(value);
  if (n < 24n) return Buffer.from([(major << 5) | Number(n)]);
  const [info, size] = n < 256n ? [24, 1] : n < 65536n ? [25, 2] : n < 2n ** 32n ? [26, 4] : [27, 8];
  const out = Buffer.alloc(1 + size);
  out[0] = (major << 5) | info;
  for (let i = 0, rest = n; i < size; i++, rest >>= 8n) out[size - i] = Number(rest & 255n);
  return out;
}

function encode(value) {
  if (typeof value === "bigint") return value < 0n ? head(1, -1n - value) : head(0, value);
  if (typeof value === "string") {
    const text = Buffer.from(value);
    return Buffer.concat([head(3, text.length), text]);
  }
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value]);
  if (Array.isArray(value)) return Buffer.concat([head(4, value.length), ...value.map(encode)]);
  if (value instanceof Map)
    return Buffer.concat([head(5, value.size), ...[...value].flat().map(encode)]);
  throw new Error("not encodable");
}

function decodeAt(bytes, at) {
  const major = bytes[at] >> 5;
  const info = bytes[at] & 31;
  at += 1;
  let value = BigInt(info);
  if (info >= 24) {
    assert.ok(info <= 27 && major < 7, "an item that the formats do not have");
    const size = 1 << (info - 24);
    value = BigInt("0x" + bytes.subarray(at, at + size).toString("hex"));
    at += size;
  }
  const count = Number(value);
  if (major === 0) return [value, at];
  if (major === 1) return [-1n - value, at];
  if (major === 2) return [Buffer.from(bytes.subarray(at, at + count)), at + count];
  if (major === 3) return [bytes.subarray(at, at + count).toString("utf8"), at + count];
  assert.ok(major === 4 || major === 5);
  const items = [];
  for (let i = 0; i < (major === 4 ? count : 2 * count); i++) {
    const [item, next] = decodeAt(bytes, at);
    items.push(item);
    at = next;
  }
  if (major === 4) return [items, at];
  return [new Map(items.flatMap((k, i) => (i % 2 ? [] : [[k, items[i + 1]]]))), at];
}

function decode(bytes) {
  const [value, at] = decodeAt(bytes, 0);
  assert.equal(at, bytes.length);
  assert.deepEqual(encode(value), bytes, "not deterministic");
  return value;
}

// ---- changes ----
function checkChange(bytes, wanted) {
  const change = decode(bytes);
  const part = (key) => change.get(BigInt(key));
  const writesHash = named("veldkit/hash/writes/1", encode(part(11)));
  const core = named(
    "veldkit/hash/core/1",
    encode([
      part(0), part(1), part(2), part(3), part(4), part(5).map(([id]) => id), part(6), part(7),
      part(8)[0], part(8)[1], part(9), writesHash,
    ]),
  );
  assert.equal(writesHash.toString("hex"), wanted.writesHash);
  assert.equal(core.toString("hex"), wanted.core);
  const ids = part(11).map((_, index) => {
    const number = Buffer.alloc(4);
    number.writeUInt32BE(index);
    return named("veldkit/hash/write/1", core, number).subarray(0, 16).toString("hex");
  });
  assert.deepEqual(ids, wanted.writeIds);
}

for (const vector of load("change.json")) {
  checkChange(hex(vector.wire), vector);
  checkChange(hex(vector.row), vector);
}

// ---- a bundle ----
const bundle = hex(load("frame.json").bundle);
assert.equal(bundle.subarray(0, 4).toString(), "VKB1");
const frames = [];
for (let at = 4; at < bundle.length; ) {
  const [frame, next] = decodeAt(bundle, at);
  frames.push({ type: frame[0], body: frame[1], at });
  at = next;
}
const last = frames.at(-1);
assert.equal(frames[0].type, 0n);
assert.equal(last.type, 1n);
const [count, hash] = decode(last.body);
assert.equal(count, BigInt(frames.length - 1));
assert.deepEqual(hash, sha256(bundle.subarray(0, last.at)));

// ---- card and grant ----
const { card, cardCode, cardText, grant, signPublic } = load("grant.json");
assert.deepEqual(frames.find((f) => f.type === 2n).body, hex(card));
assert.deepEqual(frames.find((f) => f.type === 3n).body, hex(grant));
assert.equal(cardText, "veldkit-card:" + hex(card).toString("base64url"));
const bits = BigInt("0x" + named("veldkit/hash/card/1", hex(card)).toString("hex")) >> 196n;
const signs = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const code = [...Array(12).keys()].map((i) => signs[Number((bits >> BigInt(55 - 5 * i)) & 31n)]);
assert.equal(code.join("").replace(/(.{4})(?!$)/g, "$1-"), cardCode);
assert.deepEqual(decode(decode(hex(card))[0]).get(2n), hex(signPublic));
assert.equal(decode(decode(hex(grant))[0]).get(8n).length, 32 + 65 + 16);
console.log("independent reading agrees");
