// Tablets that lose a case, or all: what was unsent arrives first, what comes late waits for a person,
// what a lease no longer covers cannot be read. The real programs.
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { DOSSIER, Agency, Tablet } from "./world.mjs";

const agency = new Agency();
const anna = new Tablet(), bert = new Tablet(), carla = new Tablet();
let id;

const show = (tablet) => tablet.run(["case", "show", id, "--json"]);
const device = (worker) => agency.json(["device", "list"]).find((d) => d.worker === worker);
const sync = async (tablet) => tablet.start(["sync", "--once", "--json"]);

test("an agency with three tablets that have one case", async () => {
  await agency.serve();
  for (const [tablet, name] of [[anna, "Anna"], [bert, "Bert"], [carla, "Carla"]])
    assert.match(tablet.enrol(agency.invite(name)).check, new RegExp(`^${device(name).check}$`));
  assert.match(agency.run(["device", "list"]).out, /in gebruik {2}Anna.*controlecode/);
  id = anna.newCase();
  anna.sync();
  agency.run(["case", "assign", id, "Bert"]);
  agency.run(["case", "assign", id, "Carla", "--lease", "1"]);
  bert.sync();
  carla.sync();
  assert.equal(anna.stateId(id), bert.stateId(id));
  // names of colleagues come sealed, to who shares a case
  assert.deepEqual([...new Set(bert.json(["log", id]).map((row) => row.worker))], ["Anna"]);
});

test("receipts say how far each own change came", () => {
  anna.sync();
  const receipts = anna.json(["receipts"]);
  assert.ok(receipts.length > 0);
  for (const receipt of receipts) {
    assert.match(receipt.change, /^[0-9a-f]{64}$/);
    assert.match(receipt.received, /^\d{4}-\d\d-\d\dT/);
    assert.match(receipt.takenIn, /^\d{4}-\d\d-\d\dT/);
  }
});

const lib = spawnSync("sh", ["-c", "ls /usr/lib/*/faketime/libfaketime.so.1"], { encoding: "utf8" });
const faketime = lib.status === 0;
const later = { env: { LD_PRELOAD: lib.stdout.trim(), FAKETIME: "+2h" } };

test("a lease that is over is not read, also with a clock that goes back", (t) => {
  if (!faketime) return t.skip("libfaketime is not installed");
  assert.equal(show(carla).code, 0);
  const refused = carla.run(["case", "show", id], later);
  assert.equal(refused.code, 5);
  assert.match(refused.err + refused.out, /te lang geen contact/);
  assert.equal(carla.run(["case", "list"]).out.includes("Meldpunt"), true);
  const listed = carla.run(["case", "list"], later).out;
  assert.match(listed, /niet leesbaar zonder verbinding/);
  assert.equal(listed.includes("Meldpunt"), false);
  assert.deepEqual(carla.json(["case", "list"], later),
    [{ case: id, records: null, title: null, unsent: 0 }]);
  assert.equal(carla.run(["case", "show", id]).code, 0); // the server was heard in this boot
  assert.equal(agency.run(["case", "assign", id, "Carla", "--lease", "0"]).code, 2);
});

test("a case that is not read any more can be added to, and what was added is joined", (t) => {
  if (!faketime) return t.skip("libfaketime is not installed");
  const person = carla.record(id, "person");
  const put = (type, fields) => carla.run(["record", "put", id, type, "--file", "-", "--json"],
    { ...later, input: JSON.stringify({ fields }) });
  const added = put("note", { kind: "fact", text: "Gehoord bij de buren", about: [person] });
  assert.equal(added.code, 0, added.out + added.err);
  const { change, record } = JSON.parse(added.out);
  assert.equal(put("case", { title: "Nog een titel" }).code, 2);
  for (const words of [["record", "set", id, person, 'name="X"'], ["record", "show", id, record],
    ["log", id], ["verify", id], ["export", id, join(carla.dir, "out")]])
    assert.equal(carla.run(words, later).code, 5, words[0]);
  assert.equal(carla.json(["status"], later).unsent, 1);
  carla.sync();
  assert.equal(carla.json(["status"]).unsent, 0);
  anna.sync();
  const seen = anna.json(["record", "show", id, record]);
  assert.equal(seen.fields.text, "Gehoord bij de buren");
  assert.ok(anna.json(["log", id]).some((row) => row.change === change));
  assert.equal(agency.stateId(id), anna.stateId(id));
});

test("a case that is taken away: unsent work arrives first", async () => {
  const person = bert.record(id, "person");
  bert.set(id, person, 'name="Naam van Bert"');
  agency.json(["case", "unassign", id, "Bert"]);
  const done = await sync(bert);
  assert.equal(done.code, 0, done.err);
  assert.match(done.err, /van dit apparaat gehaald: iemand anders werkt er nu aan/);
  assert.equal(show(bert).code, 10);
  anna.sync();
  assert.match(JSON.stringify(anna.json(["case", "show", id])), /Naam van Bert/);
  agency.json(["case", "assign", id, "Bert"]);
  bert.sync();
  assert.equal(anna.stateId(id), bert.stateId(id));
});

test("a revoked tablet: its late work waits, is admitted and appears", async () => {
  const person = bert.record(id, "person");
  const before = bert.set(id, person, 'language="Frans"');
  bert.set(id, person, 'name="Late naam"');
  const begun = Date.now();
  const revoked = agency.json(["device", "revoke", "Bert"]);
  assert.equal(revoked.device, device("Bert").device);
  assert.equal(device("Bert").state, "revoked");
  // The certificate fetches nothing any more, from the moment that the verb returned.
  anna.set(id, anna.record(id, "person"), 'phone="0201234567"');
  anna.sync();
  const done = await sync(bert);
  assert.equal(JSON.parse(done.out).received, 0);
  assert.match(done.err, /van dit apparaat gehaald: dit apparaat is ingetrokken/);
  assert.notEqual(show(bert).code, 0);
  // Who lost it hears where her work is, and is not told that it was taken in.
  for (const words of [["sync", "--once"], ["status"]]) {
    const { code, out } = bert.run(words);
    assert.equal(code, 0, out);
    assert.match(out, /2 wijzigingen liggen bij kantoor ter beoordeling/);
    assert.match(out, /Dit apparaat is ingetrokken/);
    assert.doesNotMatch(out, /Alles is|nog niets opgeslagen/);
  }
  const { inReview, revoked: isRevoked, unsent } = bert.json(["status"]);
  assert.deepEqual([inReview, isRevoked, unsent], [2, true, 0]);
  assert.deepEqual([anna.json(["status"]).inReview, anna.json(["status"]).revoked], [0, false]);
  assert.ok(Date.now() - begun < 60000, "a tablet with a network loses its cases within a minute");
  assert.equal(agency.json(["device", "list"]).find((d) => d.worker === "Bert").wipe, undefined);
  let waiting = [];
  for (let i = 0; i < 50 && waiting.length < 2; i++) waiting = agency.json(["device", "quarantine"]);
  assert.equal(waiting.length, 2);
  assert.deepEqual(Object.keys(waiting[0]).sort(), ["case", "change", "device", "reason", "received"]);
  assert.equal(waiting[0].reason, "revoked");
  assert.match(agency.run(["device", "quarantine"]).out, /van Bert, .*\n.*het apparaat was ingetrokken/);
  agency.json(["device", "quarantine", "refuse", before, "--reason", "niet van Bert"]);
  waiting = waiting.filter((one) => one.change !== before);
  anna.sync();
  assert.doesNotMatch(JSON.stringify(anna.json(["case", "show", id])), /Late naam/);
  assert.equal(agency.run(["device", "quarantine", "admit", waiting[0].change]).code, 2);
  // What is said of people need not be among the words of a process.
  const admit = ["device", "quarantine", "admit", waiting[0].change.slice(0, 12), "--reason", "-"];
  for (const input of ["", "\n\n", "a\0b"]) assert.equal(agency.run(admit, { input }).code, 2);
  // It builds on what was refused: that is said before and after.
  const built = { missing: 0, refused: 1, waiting: 0 };
  assert.deepEqual(agency.json(["device", "quarantine", "show", waiting[0].change]).buildsOn, built);
  assert.match(agency.run(["device", "quarantine", "show", waiting[0].change]).out,
    /bouwt voort op wat niet in de zaak staat: 1 geweigerd\./);
  assert.deepEqual(agency.json(admit, { input: "nagebeld\n" }).buildsOn, built);
  assert.deepEqual(agency.json(["device", "quarantine"]), []);
  anna.sync();
  assert.match(JSON.stringify(anna.json(["case", "show", id])), /Late naam/);
  assert.equal(anna.stateId(id), agency.stateId(id));
  assert.match(anna.run(["verify", id]).out, /Van 1 daarvan is de stand niet na te rekenen/);
  assert.equal(anna.json(["verify", id]).partial, 1);
  // An export holds it beside main, where stock tools find it and verify checks it.
  const dir = join(anna.dir, "export");
  const made = anna.json(["export", id, dir]);
  assert.deepEqual([made.apart, made.leftOut], [1, 0]);
  const git = (...words) => spawnSync("git", ["-C", dir, ...words]);
  const text = (...words) => git(...words).stdout.toString();
  assert.deepEqual([git("fsck", "--strict", "--full").status, text("fsck", "--strict")], [0, ""]);
  const [line, ...others] = text("ls-tree", "-d", "refs/veldkit/apart").trim().split("\n");
  assert.deepEqual(others, []);
  const change = line.split("\t")[1];
  assert.equal(change, waiting[0].change);
  const commit = text("cat-file", "blob", `refs/veldkit/apart:${change}/commit`);
  const writes = git("cat-file", "blob", `refs/veldkit/apart:${change}/writes`).stdout;
  assert.match(writes.toString(), /Late naam/);
  const named = createHash("sha256").update("veldkit/hash/writes/1\0").update(writes).digest("hex");
  assert.match(commit, new RegExp(`\nVeldkit-Writes: ${named}\n`));
  const signature = commit.match(/gpgsig ([^]*-----END SSH SIGNATURE-----)/)[1].replaceAll("\n ", "\n");
  writeFileSync(join(anna.dir, "commit.sig"), signature + "\n");
  const signer = commit.match(/\nVeldkit-Device: (\S+)/)[1];
  const checked = spawnSync("ssh-keygen", ["-Y", "verify", "-f", join(dir, "allowed_signers"), "-I",
    `${signer}@device.veldkit`, "-n", "git", "-s", join(anna.dir, "commit.sig")],
  { input: commit.replace(/gpgsig (.*\n )*.*\n/, ""), encoding: "utf8" });
  assert.equal(checked.status, 0, checked.stderr + signer);
  const proved = anna.json(["verify", dir]);
  assert.deepEqual([proved.apart, proved.findings], [1, []]);
  // Who takes it away, or changes what it says, is found out as far as a signature reaches.
  const blob = spawnSync("git", ["-C", dir, "hash-object", "-w", "--stdin"],
    { input: Buffer.concat([writes, Buffer.from("x")]), encoding: "utf8" }).stdout.trim();
  const tree = (input) => spawnSync("git", ["-C", dir, "mktree"], { input, encoding: "utf8" }).stdout.trim();
  const signed = text("rev-parse", `refs/veldkit/apart:${change}/commit`).trim();
  const inner = tree(`100644 blob ${signed}\tcommit\n100644 blob ${blob}\twrites\n`);
  git("update-ref", "refs/veldkit/apart", tree(`040000 tree ${inner}\t${change}\n`));
  const { code, out } = anna.run(["verify", dir]);
  assert.equal(code, 8);
  assert.match(out, /wat een wijziging schreef is iets anders dan is ondertekend/);
});

// One that is locked: wipe_test.mjs.
test("a lost tablet with an open vault is wiped, says so, and what it did arrives first", async () => {
  const bare = { pin: false };
  carla.json(["unlock"]);
  const late = carla.newCase(DOSSIER, bare);
  agency.json(["device", "revoke", "Carla", "--wipe"]);
  const { ordered, confirmed } = device("Carla").wipe;
  assert.match(ordered, /^\d{4}-\d\d-\d\dT/);
  assert.ok(!confirmed);
  const done = await sync(carla);
  assert.match(done.err, /alles op dit apparaat laten wissen/);
  for (const file of ["keystore", "vault", "recovery", "store.db", "unsent", "handed-in"])
    assert.ok(!existsSync(join(carla.home, file)), file);
  let wipe = {};
  for (let i = 0; i < 50 && !wipe.confirmed; i++) wipe = device("Carla").wipe;
  assert.match(wipe.confirmed, /^\d{4}-\d\d-\d\dT/);
  assert.equal(device("Carla").ordersWaiting, undefined);
  assert.ok(agency.json(["device", "quarantine"]).some((one) => one.case === late));
  await agency.stop();
});
