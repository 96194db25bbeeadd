// What goes wrong between a tablet and its agency: each has a plain word and an exit code of its own,
// what was saved stays, and the next call goes on.
import { strict as assert } from "node:assert";
import { existsSync } from "node:fs";
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { Agency, Proxy, Tablet, pause } from "./world.mjs";

const agency = new Agency(), other = new Agency("Veilig Thuis Elders");
await agency.serve();
await other.serve();
const proxy = await Proxy.open(agency);
const anna = new Tablet(), bert = new Tablet();
let id, note;

async function through(tablet, words, options) {
  const done = await tablet.start([...words, "--json"], options);
  return { ...done, answer: done.out ? JSON.parse(done.out) : null };
}

const isAt = (tablet) => assert.equal(agency.stateId(id), tablet.stateId(id));

function faketime(t, at) {
  const lib = spawnSync("sh", ["-c", "ls /usr/lib/*/faketime/libfaketime.so.1"], { encoding: "utf8" });
  if (lib.status !== 0) return t.skip("libfaketime is not installed");
  return { LD_PRELOAD: lib.stdout.trim(), FAKETIME: at, FAKETIME_DONT_FAKE_MONOTONIC: "1",
    ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ""}:verify_asan_link_order=0` };
}

test("codes that are none, wrong, used or of another agency", async () => {
  for (const code of ["", "zomaar", agency.url, agency.url + "#KORT", "#" + "0".repeat(26)])
    assert.equal(anna.run(["enrol", code]).code, 2, code);
  assert.ok(!existsSync(anna.home));

  const code = agency.invite("Anna", proxy);
  const [address, signs] = code.split("#");
  const wrong = `${address}#${signs[0] === "A" ? "B" : "A"}${signs.slice(1)}`;
  const unknown = await through(anna, ["enrol", wrong, "--quick-pin"]);
  assert.deepEqual([unknown.code, unknown.answer.error.status], [6, "not-found"]);
  assert.match(unknown.answer.error.detail, /kent deze code niet/);

  proxy.agency = other;
  const elsewhere = await through(anna, ["enrol", code]);
  assert.deepEqual([elsewhere.code, elsewhere.answer.error.status], [8, "forged"]);
  assert.match(elsewhere.answer.error.detail, /andere organisatie/);
  proxy.agency = agency;

  // Typed as people type: lower case, in groups.
  const typed = `${address}#${signs.toLowerCase().replace(/(.{4})/g, "$1-")}`;
  assert.equal((await through(anna, ["enrol", typed])).code, 0);
  const used = bert.refused(["enrol", code.replace(address, agency.url), "--quick-pin"], 6, "exists");
  assert.match(used.detail, /al gebruikt/);
  const again = anna.refused(["enrol", agency.invite("Anna")], 1, "exists");
  assert.match(again.detail, /hoort al bij een organisatie/);
});

test("a code that is too old", async (t) => {
  const env = faketime(t, "-20m");
  if (!env) return;
  await agency.stop();
  const { code } = agency.json(["device", "invite", "--worker", "Oud"], { env });
  await agency.serve();
  const old = new Tablet();
  const done = old.refused(["enrol", code, "--quick-pin"], 6, "stale");
  assert.match(done.detail, /verlopen/);
});

test("a vault of no agency does not sync, and keeps its work until it is enrolled", () => {
  assert.match(bert.refused(["sync", "--once"], 6, "not-found").detail, /enrol CODE/);
  bert.newCase();
  assert.equal(bert.enrol(agency.invite("Bert")).worker, "Bert");
  assert.equal(bert.sync().takenIn, 1);
});

test("the office may want to see the check code first", async () => {
  const cor = new Tablet();
  const { code } = agency.json(["device", "invite", "--worker", "Cor", "--confirm"]);
  let heard = "", done = null;
  const enrolling = cor.start(["enrol", code, "--quick-pin", "--json"], {
    running: (child) => child.stderr.on("data", (text) => { heard += text; }) });
  enrolling.then((it) => { done = it; });
  let waiting = [];
  for (let tries = 0; tries < 100 && waiting.length === 0 && !done; tries++) {
    await pause(100);
    waiting = agency.json(["device", "list"]).filter((d) => d.state === "waiting");
  }
  assert.equal(waiting.length, 1);
  assert.equal(waiting[0].check, heard.match(/Controlecode: ([0-9A-Z-]+)/)[1]);
  assert.equal(agency.run(["device", "approve", waiting[0].device, "--check",
    waiting[0].check]).code, 0);
  await enrolling;
  assert.equal(done.code, 0, done.out + done.err);
  assert.equal(JSON.parse(done.out).check, waiting[0].check);
});

test("the server is away: what waits is told, and goes later", async () => {
  id = anna.newCase();
  note = anna.record(id, "note");
  await agency.stop();
  const done = await through(anna, ["sync", "--once"]);
  assert.deepEqual([done.code, done.answer.error.status], [7, "network"]);
  assert.match(done.answer.error.detail, /^1 wijziging wacht op dit apparaat sinds 20\d\d-/);
  assert.equal(anna.json(["status"]).unsent, 1);
  await agency.serve();
  assert.equal((await through(anna, ["sync", "--once"])).answer.takenIn, 1);
  isAt(anna);
});

test("another agency's server answers", async () => {
  anna.set(id, note, 'text="Niet voor anderen."');
  proxy.agency = other;
  const done = await through(anna, ["sync", "--once"]);
  assert.deepEqual([done.code, done.answer.error.status], [8, "forged"]);
  assert.match(done.answer.error.detail, /andere organisatie/);
  proxy.agency = agency;
  assert.equal((await through(anna, ["sync", "--once"])).answer.takenIn, 1);
  isAt(anna);
});

test("the server is killed in the middle", async () => {
  for (const [way, at] of [["up", 1200], ["down", 1300], ["down", 1700]]) {
    anna.set(id, note, `text="Bij ${way} ${at}."`);
    proxy.start({ [way]: at });
    let killed = null;
    proxy.onCut = () => { killed ??= agency.stop("SIGKILL"); };
    const done = await through(anna, ["sync", "--once"]);
    proxy.onCut = null;
    assert.ok(killed, `${way} ${at}: it came so far`);
    await killed;
    assert.equal(done.code, 7, done.out);
    await agency.serve();
    assert.equal((await through(anna, ["sync", "--once"])).code, 0);
    assert.equal(anna.json(["status"]).unsent, 0);
    isAt(anna);
  }
});

test("clocks that are years off", async (t) => {
  for (const at of ["-12y", "+9y"]) {
    const env = faketime(t, at);
    if (!env) return;
    const words = ["record", "set", id, note, `text="Klok ${at}."`];
    assert.equal((await through(anna, words, { env })).code, 0);
    const done = await through(anna, ["sync", "--once"], { env });
    assert.equal(done.code, 0, done.out);
    assert.equal(done.answer.takenIn, 1);
    isAt(anna);
    assert.equal(anna.json(["log", id])[0].clock, "suspect");
  }
});

test("an interrupt ends it at once, and costs nothing", async () => {
  anna.set(id, note, 'text="Onderbroken."');
  for (const owner of [false, true]) {
    if (owner) anna.json(["unlock"]);
    proxy.start({ held: true });
    const begun = Date.now();
    const done = await anna.start(["sync", "--once", "--json"], {
      running: (child) => { proxy.onHeld = () => child.kill("SIGINT"); } });
    assert.ok(Date.now() - begun < 4000);
    // Through the process that holds the vault it is the client that the signal ends.
    assert.ok(owner ? done.signal === "SIGINT" : done.code === 130, JSON.stringify(done));
    proxy.onHeld = null;
    assert.equal(anna.json(["status"]).unsent, 1);
  }
  proxy.start();
  assert.equal((await through(anna, ["sync", "--once"])).answer.takenIn, 1);
  anna.json(["lock"]);
  isAt(anna);
});

test("who looks at a terminal sees progress; a file does not", async (t) => {
  if (spawnSync("script", ["--version"]).status !== 0) return t.skip("script is not installed");
  anna.set(id, note, 'text="Op een scherm."');
  const log = join(anna.dir, "typescript");
  const command = `${process.argv[2]} --home ${anna.home} --pin-file ${anna.pin} sync --once`;
  const child = spawn("script", ["-qec", command, log], { stdio: ["ignore", "pipe", "ignore"] });
  let out = "";
  child.stdout.on("data", (text) => { out += text; });
  assert.equal(await new Promise((ended) => child.on("close", ended)), 0, out);
  assert.match(out, /\rSynchroniseren: /);
  assert.match(out, /Alles is opgenomen door de organisatie\./);
  const plain = await anna.start(["sync", "--once"]);
  assert.deepEqual([plain.code, plain.err], [0, ""]);
});
