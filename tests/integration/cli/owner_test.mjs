// With the vault open in a process of its own the verbs answer the same, without a passphrase; it
// ends on lock, idle time and signals, and its death is told.
import { strict as assert } from "node:assert";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DOSSIER, World, program } from "./world.mjs";

const world = new World();
world.init();
const id = world.newCase();
const person = world.json(["case", "show", id]).records.find((r) => r.type === "person").record;
world.json(["record", "set", id, person, 'name="Anders"']);
const bare = { pin: false };
const socket = join(world.home, "socket");

const reading = [["case", "list"], ["case", "show", id], ["record", "show", id, person],
  ["conflicts"], ["log", id, "--values"], ["blame", id, person], ["verify", id], ["fsck"], ["card"],
  ["card", "list"]];

function pid() {
  return world.json(["status"], bare).owner;
}

async function gone(owner) {
  for (let tries = 0; tries < 100; tries++) {
    try {
      process.kill(owner, 0);
    } catch {
      return true;
    }
    await sleep(20);
  }
  return false;
}

test("the same answers through the owner", () => {
  const alone = reading.map((words) => [...["--json", ""].map((j) => world.run(j ? [...words, j] : words))]);
  assert.equal(world.run(["unlock", "--no-input"], bare).code, 5);
  const owner = world.json(["unlock"]).owner;
  assert.equal(pid(), owner);
  assert.equal(world.json(["unlock"], bare).owner, owner); // again: nothing happens
  assert.equal(statSync(socket).mode & 0o777, 0o600);
  reading.forEach((words, i) => {
    const through = ["--json", ""].map((j) => world.run(j ? [...words, j] : words, bare));
    assert.deepEqual(through, alone[i], words.join(" "));
  });
});

test("writing, standard input, working directory and exit codes through the owner", () => {
  const made = world.run(["case", "new", "--file", "-", "--json"],
    { ...bare, input: JSON.stringify(DOSSIER) });
  assert.equal(made.code, 0, made.out);
  const other = JSON.parse(made.out).case;
  world.file("relative.json", { fields: { name: "Zus" } });
  world.json(["record", "put", other, "person", "--file", "relative.json"], bare);
  world.json(["export", other, "relative-export"], bare);
  assert.ok(existsSync(join(world.dir, "relative-export", ".git")));
  assert.deepEqual(world.json(["verify", "relative-export"], bare).findings, []);
  assert.equal(world.json(["case", "list"], bare).length, 2);
  world.refused(["case", "show", "ffff"], 10, "not-found", bare);
  world.refused(["record", "set", id, person, "name=7"], 2, "invalid", bare);
  const lines = ["record", "set", id, person, "-"];
  for (const input of ["", "\n\n", "name=7\n"]) world.refused(lines, 2, "invalid", { ...bare, input });
  assert.notEqual(world.json(lines, { ...bare, input: 'name="Van invoer"\n' }).change, null);
  assert.notEqual(world.json(lines, { ...bare, input: 'name="Anders"\n' }).change, null);
  world.refused(["case", "new", "--file", "absent"], 10, "not-found", bare);
  assert.equal(world.run(["status"], { ...bare, wrap: ["sh", "-c", '"$@" >/dev/full', "sh"] }).code, 1);
  assert.equal(world.run(["statsu"], bare).code, 2);
  assert.equal(world.json(["case", "list"], bare).length, 2); // it survived all that
});

test("a client that goes away, or that talks nonsense, holds up nobody", async () => {
  const client = spawn(program, ["--home", world.home, "case", "new", "--file", "-"],
    { stdio: ["pipe", "ignore", "ignore"] });
  await sleep(200);
  client.kill("SIGKILL");
  assert.equal(world.run(["status"], bare).code, 0);
  for (const bytes of ["", "nonsense", "VKO0\xff\xff\xff\xff", "VKO0\0\0\0\x05ab"]) {
    const raw = connect(socket);
    raw.on("error", () => {});
    raw.end(Buffer.from(bytes, "latin1"));
    await new Promise((done) => raw.on("close", done));
    assert.equal(world.run(["status"], bare).code, 0);
  }
});

test("a reader who is slow holds up nobody, and gets the whole answer", async () => {
  const records = Array.from({ length: 2000 }, (_, i) => ({ type: "person", fields: { name: `P${i}` } }));
  const big = world.newCase({ records });
  const alone = world.run(["case", "show", big], bare).out;
  assert.ok(alone.length > 70000); // more than a pipe holds
  const pager = spawn(program, ["--home", world.home, "case", "show", big],
    { stdio: ["ignore", "pipe", "inherit"] });
  await sleep(300);
  assert.equal(world.run(["status"], { ...bare, wrap: ["timeout", "10"] }).code, 0);
  let out = "";
  pager.stdout.on("data", (part) => (out += part));
  assert.equal(await new Promise((done) => pager.on("close", done)), 0);
  assert.equal(out, alone);
});

test("a reader who had enough ends a verb without a word", () => {
  const script = "import os, subprocess, sys; r, w = os.pipe(); os.close(r);" +
    "sys.exit(subprocess.run(sys.argv[1:], stdout=w).returncode)";
  for (const words of [["case", "show", id], ["case", "show", id, "--json"], ["--help"]]) {
    const done = world.run(words, { ...bare, wrap: ["python3", "-c", script] });
    assert.deepEqual([done.code, done.err], [141, ""], words.join(" "));
  }
  const missing = world.run(["case", "show", "00000000"], { ...bare, wrap: ["python3", "-c", script] });
  assert.equal(missing.code, 10);
  assert.notEqual(missing.err, "");
});

test("another user is not served", (t) => {
  if (process.getuid() !== 0) return t.skip("needs root");
  spawnSync("chmod", ["-R", "o+rwX", world.dir]);
  const done = world.run(["status", "--json"],
    { ...bare, wrap: ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] });
  assert.notEqual(done.code, 0);
  assert.ok(!done.out.includes("device"), done.out);
  spawnSync("chmod", ["-R", "go-rwx", world.dir]);
});

test("it keeps nothing open of who started it, and reads no descriptors by name", () => {
  world.json(["lock"], bare);
  // cat ends when nobody has the other end of its pipe any more.
  world.json(["unlock"], { wrap: ["timeout", "20", "sh", "-c", '"$@" 9>&1 >answer | cat; cat answer', "sh"] });
  world.refused(["case", "new", "--file", "/dev/fd/3"], 1, "unsupported", bare);
});

test("lock ends it", async () => {
  const owner = pid();
  assert.deepEqual(world.json(["lock"], bare), { locked: true });
  assert.ok(await gone(owner));
  assert.ok(!existsSync(socket));
  assert.deepEqual(world.json(["lock"], bare), { locked: false });
  world.refused(["case", "list", "--no-input"], 5, "locked", bare);
});

test("a wrong passphrase starts none", () => {
  assert.equal(world.run(["unlock", "--pin-file", world.file("wrong", "heel iets anders 12 boom")], bare).code, 5);
  assert.ok(!existsSync(socket));
});

test("a signal ends it", async () => {
  const owner = world.json(["unlock"]).owner;
  process.kill(owner, "SIGTERM");
  assert.ok(await gone(owner));
  assert.equal(world.run(["status"]).code, 0);
});

test("killed in the middle of a verb: the client says so; the next one starts anew", async () => {
  const owner = world.json(["unlock"]).owner;
  // A pipe that is open and silent: the owner waits for it.
  const pipe = join(world.dir, "pipe");
  assert.equal(spawnSync("mkfifo", [pipe]).status, 0);
  const writer = spawn("sh", ["-c", `exec 9>"${pipe}"; exec sleep 20`], { stdio: "ignore" });
  const client = spawn(program, ["--home", world.home, "case", "new", "--file", pipe, "--json"],
    { stdio: ["ignore", "pipe", "inherit"] });
  let out = "";
  client.stdout.on("data", (part) => (out += part));
  await sleep(400);
  process.kill(owner, "SIGKILL");
  writer.kill();
  assert.equal(await new Promise((done) => client.on("close", done)), 1);
  assert.match(JSON.parse(out).error.detail, /weg voor het antwoord/);
  assert.ok(existsSync(socket)); // left behind, and nobody minds
  assert.equal(world.run(["status"]).code, 0);
  world.json(["unlock"]);
  assert.ok(pid() > 0);
  world.json(["lock"], bare);
});

test("idle time ends it", async () => {
  const quick = { env: { FAKETIME: "+0 x40" } };
  const lib = spawnSync("sh", ["-c", "ls /usr/lib/*/faketime/libfaketime.so.1"], { encoding: "utf8" });
  if (lib.status !== 0) return;
  quick.env.LD_PRELOAD = lib.stdout.trim();
  quick.env.ASAN_OPTIONS = (process.env.ASAN_OPTIONS ?? "") + ":verify_asan_link_order=0";
  const owner = world.json(["unlock", "--idle", "1"], quick).owner;
  await sleep(3000);
  assert.ok(await gone(owner));
});
