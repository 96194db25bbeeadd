// Lock keeps sending: after `lock` a process that has the sealed work and the key for TLS, and
// nothing else, hands in; what was unlocked is gone from memory within a second, also out of a verb
// that waits. node lock_test.mjs CLIENT SERVER KEYS
import { strict as assert } from "node:assert";
import { spawn, spawnSync } from "node:child_process";
import { closeSync, cpSync, existsSync, mkdirSync, openSync, readFileSync, readSync, readdirSync,
  writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { DOSSIER, Agency, Tablet, pause } from "./world.mjs";

const [client, , keysTool] = process.argv.slice(2);
const CANARY = "Kanariepietstraat 73 in Zwolle";
const bare = { pin: false };

async function until(what, look, most_ms = 15000) {
  const end = Date.now() + most_ms;
  for (let found; ; await pause(50)) {
    if ((found = look())) return found;
    assert.ok(Date.now() < end, `in time: ${what}`);
  }
}

// The process that hands in for this home, by the name it has in the list of processes.
function sender(tablet) {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0");
      if (words[0] === "veldkit-hand-in" && words[1] === tablet.home) return Number(pid);
    } catch { /* it went away while we looked */ }
  }
  return null;
}

// All memory that a process has; null where that may not be read.
function memory(pid) {
  const parts = [];
  let fd;
  try {
    fd = openSync(`/proc/${pid}/mem`, "r");
  } catch {
    return null;
  }
  for (const line of readFileSync(`/proc/${pid}/maps`, "latin1").split("\n")) {
    const [, from, to, way] = /^([0-9a-f]+)-([0-9a-f]+) (r...) /.exec(line) ?? [];
    if (!from || /\[v(var|syscall)/.test(line) || way[1] !== "w") continue;
    const start = Number(`0x${from}`), bytes = Number(`0x${to}`) - start;
    if (bytes > 1 << 28) continue; // what a sanitizer reserves
    const part = Buffer.alloc(bytes);
    try {
      parts.push(part.subarray(0, readSync(fd, part, 0, bytes, start)));
    } catch { /* a hole */ }
  }
  closeSync(fd);
  return Buffer.concat(parts);
}

// Of a copy of the home, since the home may be in use.
function keysOf(tablet, name) {
  const copy = join(tablet.dir, name);
  mkdirSync(copy);
  for (const file of ["vault", "keystore", "store.db", "store.db-wal", "continuity"])
    if (existsSync(join(tablet.home, file))) cpSync(join(tablet.home, file), join(copy, file));
  const done = spawnSync(keysTool, [copy, readFileSync(tablet.pin, "utf8").trim()],
    { encoding: "utf8" });
  assert.equal(done.status, 0, done.stderr);
  return new Map(done.stdout.trim().split("\n").map((line) => {
    const [key, hex] = line.split(" ");
    return [key, Buffer.from(hex, "hex")];
  }));
}

const found = (bytes, keys) =>
  [...keys].filter(([, key]) => bytes.includes(key)).map(([name]) => name).sort();

// Dead, even if nobody has asked yet how it ended.
function isGone(pid) {
  try {
    return /^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return true;
  }
}

const agency = new Agency(), tablet = new Tablet();
await agency.serve();
tablet.enrol(agency.invite("Anna"));

test("a locked tablet hands in, with the carrier key and no other", async (t) => {
  const { owner } = tablet.json(["unlock"]);
  await agency.stop();
  const id = tablet.newCase({ records: [...DOSSIER.records,
    { type: "note", fields: { kind: "fact", text: CANARY } }] }, bare);
  const note = tablet.json(["case", "show", id], bare).records.find((r) => r.type === "note").record;
  tablet.json(["record", "set", id, note, 'text="En later nog eens."'], bare);
  tablet.json(["case", "show", id], bare);
  const keys = keysOf(tablet, "copy");
  assert.equal(keys.size, 5);
  const unlocked = memory(owner);
  if (unlocked) {
    // The test of the test: this way of looking finds what is there.
    assert.ok(["hedge", "seal", "sign"].every((key) => found(unlocked, keys).includes(key)),
      `keys in an unlocked process: ${found(unlocked, keys)}`);
  }

  const begun = Date.now();
  const locked = tablet.run(["lock"], bare);
  assert.ok(Date.now() - begun < 1000, "locked within a second");
  assert.match(locked.out, /2 wijzigingen nog niet verzonden/);
  await until("the process with the keys is gone", () => isGone(owner), 1000);

  const pid = await until("a process hands in", () => sender(tablet));
  assert.match(tablet.run(["status"], bare).out, /^Op slot\.\n2 wijzigingen nog niet verzonden\./);
  assert.deepEqual(tablet.json(["status"], bare), { locked: true, sending: true, unsent: 2 });
  await pause(300);
  const left = memory(pid);
  if (left) {
    for (const word of [CANARY, "Meldpunt Dorpsstraat", "M. Bakker", "En later"])
      assert.ok(!left.includes(word), `"${word}" in the process that hands in`);
    assert.deepEqual(found(left, keys), ["carrier"]);
  } else {
    t.diagnostic("the memory of others may not be read here: not looked for keys");
  }

  await agency.serve();
  await until("all is handed in", () => tablet.json(["status"], bare).unsent === 0);
  // It stays and listens, and has nothing more than it had.
  assert.equal(sender(tablet), pid);
  assert.deepEqual(tablet.json(["status"], bare), { locked: true, sending: false, unsent: 0 });
  const listening = memory(pid);
  if (listening) assert.deepEqual(found(listening, keys), ["carrier"]);
  await until("the office has it", () => agency.run(["case", "show", id]).code === 0);
  assert.equal(agency.json(["case", "show", id]).records.length, 4);

  // With the vault open the receipts are taken in: nothing is sent a second time.
  assert.deepEqual(tablet.json(["status"]).unsent, 2);
  assert.equal(tablet.json(["status"]).received, 2);
  const synced = tablet.sync();
  assert.deepEqual([synced.sent, synced.takenIn], [0, 2]);
  assert.equal(tablet.stateId(id), agency.stateId(id));
});

test("what is saved after it is handed in by the next one, and one is enough", async () => {
  await agency.stop();
  const first = tablet.newCase();
  tablet.json(["unlock"]);
  tablet.json(["lock"], bare);
  const one = await until("a process hands in", () => sender(tablet));
  tablet.json(["unlock"]);
  const second = tablet.newCase(DOSSIER, bare);
  tablet.json(["lock"], bare);
  const other = await until("another one", () => (sender(tablet) !== one ? sender(tablet) : null));
  assert.ok(isGone(one));
  // Killed in the middle: nothing is lost, the next lock starts another.
  process.kill(other, "SIGKILL");
  assert.equal(tablet.json(["status"]).unsent, 2);
  await agency.serve();
  tablet.json(["unlock"]);
  tablet.json(["lock"], bare);
  await until("all is handed in", () => tablet.json(["status"], bare).unsent === 0);
  await until("the office has both", () => [first, second].every((id) =>
    agency.run(["case", "show", id]).code === 0));
  assert.equal(tablet.sync().sent, 0);
});

test("receipts that somebody wrote have no effect", async () => {
  await agency.stop();
  tablet.newCase();
  writeFileSync(join(tablet.home, "handed-in"), Buffer.from("58205820ffff00", "hex"));
  assert.equal(tablet.json(["status"]).unsent, 1);
  writeFileSync(join(tablet.home, "unsent"), "onzin\n");
  assert.equal(tablet.json(["status"], bare).unsent, 0);
  await agency.serve();
  assert.equal(tablet.sync().sent, 1);
});

// ---- a verb that waits does not keep the keys ----
function waiting(words, stdin) {
  const child = spawn(client, ["--home", tablet.home, ...words], { stdio: [stdin, "pipe", "pipe"] });
  const ended = new Promise((done) => child.on("close", (code) => done(code)));
  return { child, ended };
}

test("standard input is read by the client: the owner stays free, and locks at once", async () => {
  const { owner } = tablet.json(["unlock"]);
  const { child, ended } = waiting(["case", "new", "--file", "-"], "pipe");
  await pause(300);
  const begun = Date.now();
  assert.equal(tablet.json(["case", "list"], bare).length > 0, true);
  tablet.json(["lock"], bare);
  assert.ok(Date.now() - begun < 1500);
  await until("it is gone", () => isGone(owner), 1000);
  child.stdin.end(JSON.stringify(DOSSIER));
  assert.notEqual(await ended, 0); // there is no vault open any more to save it in
});

for (const how of ["lock", "SIGTERM", "another verb"]) {
  test(`a verb that waits for a pipe is left on ${how}`, async () => {
    const pipe = join(tablet.dir, `pipe-${how.length}`);
    assert.equal(spawnSync("mkfifo", [pipe]).status, 0);
    const { owner } = tablet.json(["unlock"]);
    const holder = spawn("sh", ["-c", `exec 9>"${pipe}"; exec sleep 20`], { stdio: "ignore" });
    const { ended } = waiting(["case", "new", "--file", pipe], "ignore");
    await pause(400);
    const begun = Date.now();
    if (how === "lock") tablet.json(["lock"], bare);
    if (how === "SIGTERM") process.kill(owner, "SIGTERM");
    if (how === "another verb") assert.ok(tablet.json(["case", "list"], bare));
    assert.equal(await ended, 130);
    assert.ok(Date.now() - begun < 1500, how);
    if (how === "another verb") tablet.json(["lock"], bare);
    await until("it is gone", () => isGone(owner), 1000);
    holder.kill();
  });
}

test("a sync under way is left for lock", async () => {
  // A server that takes the connection and says nothing.
  const port = Number(new URL(agency.url).port);
  await agency.stop();
  const silent = createServer(() => {});
  await new Promise((done) => silent.listen(port, "127.0.0.1", done));
  const { owner } = tablet.json(["unlock"]);
  const { ended } = waiting(["sync", "--once"], "ignore");
  await pause(400);
  const begun = Date.now();
  tablet.json(["lock"], bare);
  assert.ok(Date.now() - begun < 1500);
  assert.equal(await ended, 130);
  await until("it is gone", () => isGone(owner), 1000);
  silent.close();
});
