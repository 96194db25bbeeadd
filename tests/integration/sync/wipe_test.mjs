// An order to wipe reaches a tablet that is locked: its work arrives first, then no PIN opens the
// vault, the office hears it, and the tablet says what happened. Killed anywhere on the way it goes
// on. VELD_KILL_STRIDE=1 kills at every call; unset, at a few. node wipe_test.mjs CLIENT SERVER
import { strict as assert } from "node:assert";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DOSSIER, Agency, Proxy, Tablet, pause } from "./world.mjs";

const [client] = process.argv.slice(2);
// The folder as people type it: below where they are.
const typed = { home: "home" };
const bare = { pin: false, ...typed };
const agency = new Agency();
await agency.serve();
const proxy = await Proxy.open(agency);

async function until(what, look, most_ms = 20000) {
  const end = Date.now() + most_ms;
  for (let found; ; await pause(50)) {
    if ((found = look())) return found;
    assert.ok(Date.now() < end, `in time: ${what}`);
  }
}

function sender(tablet) {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0");
      if (words[0] === "veldkit-hand-in" && words[1] === tablet.home) return Number(pid);
    } catch { /* it went away while we looked */ }
  }
  return null;
}

const device = (worker) => agency.json(["device", "list"]).find((d) => d.worker === worker);
const offline = () => proxy.start(...Array(10000).fill({ refused: true }));
const online = () => proxy.start();
const FILES = ["keystore", "vault", "recovery", "recovery.keystore", "store.db", "store.db-wal",
  "continuity", "attempts", "unsent"];
const left = (tablet) => FILES.filter((file) => existsSync(join(tablet.home, file)));

// Enrolled, with work that was never sent, locked, and not able to reach anybody.
async function lockedTablet(worker) {
  const tablet = new Tablet();
  online();
  const enrolled = await tablet.start(["enrol", agency.invite(worker, proxy), "--quick-pin", "--quiet"]);
  assert.equal(enrolled.code, 0, enrolled.err);
  offline();
  tablet.json(["unlock"]);
  tablet.late = tablet.newCase(DOSSIER, bare);
  tablet.json(["lock"], bare);
  return tablet;
}

const arrived = (tablet) =>
  agency.json(["device", "quarantine"]).some((one) => one.case === tablet.late);

async function isWiped(tablet, worker) {
  await until("the tablet knows that the office knows", () =>
    tablet.json(["status"], bare).confirmed === true);
  await until("the office knows", () => device(worker).wipe.confirmed);
  assert.equal(device(worker).ordersWaiting, undefined);
  assert.deepEqual(left(tablet), []);
  assert.ok(arrived(tablet), "what was made before arrived");
  await until("nobody is left", () => sender(tablet) === null);
  assert.deepEqual(readdirSync(tablet.home), ["wiped"]);
  // No key is left in the mark.
  assert.ok(readFileSync(join(tablet.home, "wiped")).length < 64);
}

test("a lost tablet that is locked is wiped, and hands in first", async () => {
  const other = await lockedTablet("Els"), tablet = await lockedTablet("Dora");
  tablet.json(["case", "list"], typed); // who opened the vault for one verb leaves another process
  const pid = await until("a process hands in", () => sender(tablet));
  assert.equal(sender({ home: typed.home }), null, "it works elsewhere, so it has a path from the root");
  agency.json(["device", "revoke", "Dora", "--wipe"]);
  assert.ok(!device("Dora").wipe.confirmed);
  assert.ok(left(tablet).includes("vault"));
  online();
  await isWiped(tablet, "Dora");
  assert.notEqual(sender(tablet), pid);

  const opened = tablet.run(["unlock"], typed);
  assert.equal(opened.code, 6);
  assert.match(opened.err, /door kantoor gewist: dit apparaat is (ingetrokken|als verloren gemeld)/);
  for (const words of [["case", "list"], ["sync", "--once"], ["lock"]])
    assert.equal(tablet.run(words, bare).code, 6, words[0]);
  assert.match(tablet.run(["status"], bare).out, /gewist.*\n.*eerst ingeleverd. Kantoor weet/);
  const { confirmed, wiped } = tablet.json(["status"], bare);
  assert.equal(confirmed, true);
  assert.match(wiped, /^\d{4}-\d\d-\d\dT/);

  // The order was for one tablet: the other one listens on, and opens.
  assert.ok(sender(other));
  assert.ok(left(other).includes("vault"));
  const synced = await other.start(["sync", "--once", "--json"]);
  assert.equal(JSON.parse(synced.out).takenIn, 1, synced.err);
  assert.equal(sender(other) !== null, true, "it listens again after a verb");
  // The place is free for a new vault.
  assert.equal(tablet.run(["init", "--local", "--quick-pin", "--quiet"]).code, 0);
  assert.equal(tablet.json(["case", "list"]).length, 0);
});

test("an order that comes while the vault is open waits for it; locked again it is carried out", async () => {
  const tablet = await lockedTablet("Floor");
  tablet.json(["unlock"]);
  assert.equal(sender(tablet), null, "who opens the vault is alone with it");
  online();
  agency.json(["device", "revoke", "Floor", "--wipe"]);
  const id = tablet.newCase(DOSSIER, bare);
  assert.ok(left(tablet).includes("vault"));
  tablet.json(["lock"], bare);
  await isWiped(tablet, "Floor");
  assert.ok(agency.json(["device", "quarantine"]).some((one) => one.case === id));
});

// ---- killed ----
const CALLS = ["write", "fsync", "rename", "unlink", "openat"];
const every = process.env.VELD_KILL_STRIDE === "1";
const canTrace = spawnSync("strace", ["-o", "/dev/null", "true"]).status === 0;

// What kills the process that hands in at the n-th such call. Null when it could not take hold of
// it. `ending` tells, once the process is gone, whether it was killed or had no such call left.
async function trace(pid, call, n, home) {
  const file = `${home}.trace`;
  const tracer = spawn("strace", ["-q", "-p", String(pid), "-o", file, "-e", `trace=${call}`, "-e",
    `inject=${call}:signal=SIGKILL:when=${n}`], { stdio: "ignore" });
  tracer.ending = async () => {
    await until("the tracer ends", () => tracer.exitCode !== null || tracer.signalCode !== null);
    const [, how] = /\+\+\+ (killed by SIGKILL|exited with \d+) \+\+\+\s*$/
      .exec(readFileSync(file, "latin1")) ?? [];
    assert.ok(how, `${call} ${n}: the tracer does not say how it ended`);
    return how;
  };
  for (let i = 0; i < 100; i++, await pause(20)) {
    const [, held] = /^TracerPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    if (held && held !== "0") return tracer;
    if (tracer.exitCode !== null) return null;
  }
  return null;
}

async function killedAt(call, n, worker) {
  const tablet = await lockedTablet(worker);
  const pid = await until("a process hands in", () => sender(tablet));
  const tracer = await trace(pid, call, n, tablet.home);
  if (!tracer) return "untraced";
  agency.json(["device", "revoke", worker, "--wipe"]);
  online();
  await until(`${call} ${n}`, () => sender(tablet) === null, 60000);
  const how = await tracer.ending();
  if (how !== "killed by SIGKILL") { // it is not called so often: all was done
    assert.equal(how, "exited with 0", `${call} ${n}`);
    await isWiped(tablet, worker);
    return "done";
  }
  const begun = existsSync(join(tablet.home, "wiped"));
  if (!begun) { // nothing has happened: the vault opens, and hears it when it is locked again
    assert.equal(tablet.run(["case", "show", tablet.late]).code, 0, `${call} ${n}`);
    tablet.json(["unlock"]);
    tablet.json(["lock"], bare);
    await isWiped(tablet, worker);
    return "before";
  }
  const opened = tablet.run(["unlock"]); // whoever comes by goes on
  assert.equal(opened.code, 6, `${call} ${n}: ${opened.out}${opened.err}`);
  assert.deepEqual(left(tablet), []);
  await isWiped(tablet, worker);
  return "after";
}

test("killed on the way, it goes on", async (t) => {
  if (!canTrace) return t.skip("strace is not installed or not allowed");
  const seen = new Set();
  let count = 0;
  if (!every)
    for (const [call, n] of [["rename", 1], ["unlink", 3], ["rename", 2]])
      seen.add(await killedAt(call, n, `Tablet ${count++}`));
  for (const call of every ? CALLS : []) {
    let n = 0, how;
    do {
      seen.add(how = await killedAt(call, ++n, `Tablet ${count++}`));
    } while (how === "before" || how === "after");
    t.diagnostic(`${call}: ${n - 1} calls`);
  }
  t.diagnostic(`${count} points: ${[...seen].join(", ")}`);
  if (seen.has("untraced")) return t.skip("the process may not be traced");
  assert.ok(seen.has("before") && seen.has("after"));
});

test("who goes on after a kill is killed too", async (t) => {
  if (!canTrace) return t.skip("strace is not installed or not allowed");
  const tablet = await lockedTablet("Gijs");
  const pid = await until("a process hands in", () => sender(tablet));
  const tracer = await trace(pid, "unlink", 2, tablet.home);
  if (!tracer) return t.skip("the process may not be traced");
  agency.json(["device", "revoke", "Gijs", "--wipe"]);
  online();
  await until("killed", () => sender(tablet) === null);
  assert.equal(await tracer.ending(), "killed by SIGKILL");
  assert.ok(left(tablet).length > 0);
  // The verb that comes by, killed in the middle of removing, leaves the rest to the next one.
  offline();
  spawnSync("strace", ["-f", "-qq", "-o", "/dev/null", "-e", "trace=unlink", "-e",
    "inject=unlink:signal=SIGKILL:when=4", client, "--home", tablet.home, "status"]);
  assert.ok(existsSync(join(tablet.home, "wiped")));
  assert.equal(tablet.run(["unlock"]).code, 6);
  assert.deepEqual(left(tablet), []);
  assert.equal(tablet.json(["status"], bare).confirmed, false);
  assert.ok(!device("Gijs").wipe.confirmed);
  const refused = tablet.run(["init", "--local", "--quick-pin"]);
  assert.equal(refused.code, 1, refused.err);
  assert.match(refused.err, /kantoor weet het nog niet/);
  // Nobody is at it any more; the next who comes by brings the word.
  const again = sender(tablet);
  if (again) process.kill(again, "SIGKILL");
  online();
  await isWiped(tablet, "Gijs");
  await agency.stop();
});
