// What is refused, with which code, and in which words: malformed input with all its errors at once,
// the four ways in which a vault does not open, a second owner, and slips of the keyboard.
import { strict as assert } from "node:assert";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { World, program } from "./world.mjs";

const world = new World();
const device = world.init().device;
const id = world.newCase();
const person = world.json(["case", "show", id]).records.find((r) => r.type === "person").record;
const before = world.json(["status"]).changes;

function nothingStored() {
  assert.equal(world.json(["status"]).changes, before);
}

test("a malformed dossier: every error at once with its pointer, nothing stored", () => {
  const error = world.refused(["case", "new", "--file", world.file("bad.json", {
    records: [
      { type: "case", fields: { title: "", nonsense: 1 } },
      { type: "persoon", fields: {} },
      { type: "person", fields: { birthDate: "2023-02-30" } },
      { type: "incident", fields: { occurredAt: "2024-01-01T10:00:00Z", childrenPresent: 31 } },
    ],
  })], 2, "invalid");
  const pointers = error.errors.map((row) => row.pointer);
  for (const wanted of ["/records/0/fields/title", "/records/0/fields/nonsense", "/records/1/type",
    "/records/2/fields/birthDate", "/records/3/fields/childrenPresent"])
    assert.ok(pointers.includes(wanted), `${wanted} is not in ${pointers}`);
  for (const row of error.errors) assert.deepEqual(Object.keys(row).sort(), ["pointer", "text"]);
  nothingStored();
  const text = world.run(["case", "new", "--file", join(world.dir, "bad.json")]);
  assert.equal(text.out, "");
  assert.match(text.err, /\/records\/2\/fields\/birthDate: /);
});

test("more errors than are listed are counted", () => {
  const records = Array.from({ length: 300 }, () => ({ type: "x", fields: { a: 1 } }));
  const error = world.refused(["case", "new", "--file", world.file("bad.json", { records })], 2,
    "invalid");
  assert.equal(error.errors.length + error.errorsLeftOut, 300);
});

test("what is not JSON", () => {
  for (const content of ["", "{", '{"records":[],"records":[]}', "[1.5]", '{"a":"\\u0000"}'])
    world.refused(["case", "new", "--file", world.file("bad.json", content)], 2, "form");
  const absent = join(world.dir, "absent.json");
  assert.ok(world.refused(["case", "new", "--file", absent], 10, "not-found").detail.includes(absent));
  assert.match(world.refused(["case", "new", "--file", world.dir], 1, "io").detail, /directory/);
  nothingStored();
});

test("fields out of bounds and unknown names in record put and set", () => {
  const put = (type, fields) => ["record", "put", id, type, "--file",
    world.file("record.json", { fields })];
  world.refused(put("persoon", { name: "x" }), 2, "invalid");
  world.refused(put("person", { naam: "x" }), 2, "invalid");
  world.refused(put("person", {}), 2, "invalid"); // a name is required
  const error = world.refused(
    ["record", "set", id, person, 'name=""', "birthDate=7", "wat=1"], 2, "invalid");
  assert.deepEqual(error.errors.map((row) => row.pointer).sort(), ["/birthDate", "/name", "/wat"]);
  assert.equal(world.run(["record", "set", id, person, "name"]).code, 2);
  assert.equal(world.run(["record", "set", id, person, "name=bare"]).code, 2);
  assert.equal(world.run(["record", "set", id, person, "name=null"]).code, 2);
  nothingStored();
});

test("a case or record that is not there, or not one", () => {
  world.refused(["case", "show", "ffffffff"], 10, "not-found");
  world.refused(["record", "show", id, "ffff"], 10, "not-found");
  world.refused(["diff", id, "ffffffffffff", "ffffffffffff"], 10, "not-found");
  world.refused(["case", "show", "abc"], 2, "invalid"); // too short
  world.refused(["case", "show", "../etc"], 2, "invalid");
  assert.match(world.refused(["verify", "./absent"], 10, "not-found").detail, /geen map .*\.\/absent/);
  assert.match(world.refused(["verify", "absent"], 10, "not-found").detail, /geen map .*absent/);
  const record = world.json(["case", "show", id]).records[0].record;
  world.refused(["record", "show", id, record.slice(0, 4)], 2, "invalid"); // all begin so
  assert.equal(world.json(["record", "show", id, record.slice(-8)]).record, record);
  assert.equal(world.json(["case", "show", id.slice(-8)]).case, id);
});

test("usage", () => {
  const code = (...words) => world.run(words, { pin: false }).code;
  assert.equal(code(), 2);
  assert.equal(code("case"), 2);
  assert.equal(code("case", "show"), 2);
  assert.equal(code("case", "new"), 2);
  assert.equal(code("status", "--values"), 2);
  assert.equal(code("status", "--json=1"), 2);
  assert.equal(code("status", "--json", "--json"), 2);
  assert.equal(code("unlock", "--idle", "0"), 2);
  assert.match(world.run(["cse", "new"]).err, /bedoel je "case new"/);
  assert.match(world.run(["statis"]).err, /bedoel je "status"/);
  assert.match(world.run(["status", "--jsn"]).err, /bedoel je --json/);
  for (const words of [["case"], ["case", "frob"]])
    assert.match(world.run(words).err, /achter case hoort een van deze woorden: new, list, show, history, compact, open;/);
  assert.match(world.run(["case", "nwe"]).err, /bedoel je "case new"/);
  for (const words of [["foo"], ["status", "--foo"]])
    assert.ok(!world.run(words).err.includes("bedoel je"));
});

test("no passphrase and nobody to ask", () => {
  world.refused(["case", "list", "--no-input"], 5, "locked", { pin: false });
  const missing = world.refused(["status", "--pin-file", "/nonexistent"], 5, "locked", { pin: false });
  assert.match(missing.text, /pincode of het wachtwoord ontbreekt/); // the vault is not what lacks
  assert.match(missing.detail, /\/nonexistent/);
});

test("nobody's home", () => {
  const env = { ...process.env, HOME: "" };
  delete env.XDG_DATA_HOME;
  const done = spawnSync(program, ["status", "--no-input"], { env, encoding: "utf8" });
  assert.equal(done.status, 2);
  assert.match(done.stderr, /noem de map met --home/);
  assert.equal(spawnSync(program, ["status", "--help"], { env }).status, 0);
});

test("no vault", () => {
  world.refused(["status"], 6, "not-found", { home: join(world.dir, "none") });
});

test("a weak passphrase is refused and leaves nothing", () => {
  const other = new World();
  for (const weak of ["123456", "wachtwoord", "98765432109876543210"]) {
    writeFileSync(other.pin, weak);
    other.refused(["init", "--local", "--quick-pin"], 2, "weak");
  }
  other.refused(["status"], 6, "not-found");
  writeFileSync(other.pin, "");
  other.refused(["init", "--local", "--quick-pin"], 5, "locked");
});

// A copy of the vault's folder in which one thing is wrong.
function copy(change) {
  const other = new World();
  cpSync(world.home, other.home, { recursive: true });
  change(other);
  return other;
}

function flip(path, offset) {
  const bytes = readFileSync(path);
  bytes[offset] ^= 1;
  writeFileSync(path, bytes);
}

test("four ways not to open, told apart", () => {
  const texts = new Set();
  const refused = (other, ...expected) => texts.add(other.refused(["status"], ...expected).text);

  refused(copy((other) => writeFileSync(other.pin, "een heel ander wachtwoord 44")), 5, "wrong-pin");
  refused(copy((other) => flip(join(other.home, "vault"), 100)), 8, "damaged");

  const stranger = new World();
  assert.notEqual(stranger.init().device, device);
  refused(copy((other) => copyFileSync(join(stranger.home, "keystore"), join(other.home, "keystore"))),
    6, "wrong-device");
  refused(copy((other) => {
    const path = join(other.home, "vault");
    const bytes = readFileSync(path);
    bytes.writeUInt16BE(2, 4);
    createHash("sha256").update(bytes.subarray(0, 154)).digest().copy(bytes, 154);
    writeFileSync(path, bytes);
  }), 1, "newer");
  assert.equal(texts.size, 4);
});

test("a store of another vault, and a damaged store", () => {
  const stranger = new World();
  stranger.init();
  copy((other) => copyFileSync(join(stranger.home, "store.db"), join(other.home, "store.db")))
    .refused(["status"], 6, "wrong-device");
  const damaged = copy((other) => {
    const path = join(other.home, "store.db");
    const bytes = readFileSync(path);
    for (let at = 4096 * 2; at < bytes.length; at += 512) bytes[at] ^= 0x55;
    writeFileSync(path, bytes);
  });
  const done = damaged.run(["fsck", "--json"]);
  assert.equal(done.code, 8, done.out + done.err);
});

test("a vault of which a part is gone is damaged, not a case that is not found", () => {
  for (const part of ["vault", "store.db"]) {
    const other = copy((vault) => rmSync(join(vault.home, part)));
    assert.match(other.refused(["status"], 8, "damaged").detail, new RegExp(part));
  }
  copy((other) => writeFileSync(join(other.home, "store.db"), "")).refused(["fsck"], 8, "damaged");
});

test("every single damaged byte of the vault file is refused", () => {
  const other = copy(() => {});
  const path = join(other.home, "vault");
  const whole = readFileSync(path);
  for (let offset = 0; offset < whole.length; offset += 23) {
    flip(path, offset);
    assert.equal(other.run(["status"]).code, 8, `byte ${offset}`);
    writeFileSync(path, whole);
  }
  assert.equal(other.run(["status"]).code, 0);
});

test("a second owner is told who holds the store", async () => {
  // A verb that waits for a pipe holds the store meanwhile.
  const pipe = join(world.dir, "pipe");
  assert.equal(spawnSync("mkfifo", [pipe]).status, 0);
  const writer = spawn("sh", ["-c", `exec 9>"${pipe}"; read line; echo "{}" >&9`],
    { stdio: ["pipe", "ignore", "inherit"] });
  const holder = spawn(program, ["--home", world.home, "--pin-file", world.pin, "case", "new",
    "--file", pipe], { stdio: ["ignore", "pipe", "inherit"] });
  const held = () => readFileSync(join(world.home, "owner"), "utf8").trim() === String(holder.pid);
  for (let tries = 0; tries < 500 && !held(); tries++) await sleep(20);
  const error = world.refused(["status"], 1, "busy");
  assert.match(error.detail, new RegExp(`\\b${holder.pid}\\b`));
  writer.stdin.end("go\n");
  assert.equal(await new Promise((done) => holder.on("close", done)), 2);
  assert.equal(world.run(["status"]).code, 0);
});

test("output that does not arrive is a failure", () => {
  const done = world.run(["status"], { wrap: ["sh", "-c", '"$@" >/dev/full', "sh"] });
  assert.equal(done.code, 1);
});

test("names that are no text or that steer a terminal do no harm in an error", () => {
  const raw = (...words) => world.run(words, { wrap: ["sh", "-c", 'v=$1; shift; "$v" "$@" "$(printf "\\377=1")"', "sh"] });
  const done = raw("record", "set", id, person, "--json");
  assert.equal(done.code, 2);
  assert.equal(JSON.parse(done.out).error.status.length > 0, true);
  const bad = world.run(["case", "new", "--file",
    world.file("bad.json", { records: [{ type: "case", fields: { "\u001b[2J\u009b": 1 } }] })]);
  assert.equal(bad.code, 2);
  assert.ok(!/[\u001b\u009b]/.test(bad.err), bad.err);
  const typed = world.refused(["status", "--naam=Jansen"], 2, "invalid");
  assert.ok(!typed.detail.includes("Jansen"));
});
