// The main job over the network: a case made offline, concurrent work on two tablets, a conflict that
// is open everywhere and decided at the centre, and one state on all three.
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { Agency, DOSSIER, ID, Tablet, members } from "./world.mjs";

const agency = new Agency();
await agency.serve();
const anna = new Tablet(), bert = new Tablet();
let id, note, person;

const same = () => {
  const states = [anna.stateId(id), bert.stateId(id), agency.stateId(id)];
  assert.deepEqual(states, Array(3).fill(states[0]));
};

test("a tablet is enrolled, and a vault that has cases already too", () => {
  const made = anna.enrol(agency.invite("Anna"));
  members(made, ["agency", "check", "device", "worker"]);
  assert.match(made.agency, ID);
  assert.match(made.device, ID);
  assert.match(made.check, /^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$/);
  assert.equal(made.worker, "Anna");
  const status = anna.json(["status"]);
  assert.deepEqual([status.agency, status.server, status.lastContact, status.worker],
    [made.agency, agency.url, null, "Anna"]);

  bert.init("thuis");
  const local = bert.newCase();
  assert.equal(bert.enrol(agency.invite("Bert")).worker, "Bert");
  assert.equal(bert.json(["status"]).cases, 1);
  const done = bert.sync();
  assert.deepEqual([done.sent, done.receipts, done.takenIn], [1, 1, 1]);
  assert.equal(agency.stateId(local), bert.stateId(local));
  const devices = agency.json(["device", "list"]).map((d) => d.worker).sort();
  assert.deepEqual(devices, ["Anna", "Bert"]);
});

test("a case made offline is received, taken in and given to another tablet", () => {
  id = anna.newCase();
  assert.match(anna.run(["status"]).out, /^Niet alles is veilig: 1 wijziging staat/);
  const done = anna.sync();
  members(done, ["bytesDown", "bytesUp", "conflicts", "receipts", "received", "roundTrips", "sent",
    "takenIn"]);
  assert.deepEqual([done.sent, done.receipts, done.takenIn, done.received, done.conflicts],
    [1, 1, 1, 0, 0]);
  assert.ok(done.bytesUp > 0 && done.bytesDown > 0);
  const status = anna.json(["status"]);
  assert.deepEqual([status.unsent, status.received, status.oldestUnsent], [0, 0, null]);
  assert.ok(Math.abs(Date.parse(status.lastContact) - Date.now()) < 60000);
  assert.match(anna.run(["status"]).out, /^Alles is veilig/);

  assert.equal(bert.sync().received, 0); // not his yet
  const device = bert.json(["status"]).device;
  assert.equal(agency.run(["case", "assign", id, device]).code, 0);
  assert.equal(bert.sync().received, 1);
  same();
  note = anna.record(id, "note");
  person = anna.record(id, "person");
});

test("nothing to say is one round trip", () => {
  const done = anna.sync();
  assert.deepEqual([done.roundTrips, done.sent, done.received], [1, 0, 0]);
});

test("other fields are joined; the same field asks a person, everywhere", () => {
  anna.set(id, person, 'phone="0612345678"');
  bert.set(id, person, 'language="Pools"');
  anna.set(id, note, 'text="Anna zag licht."');
  bert.set(id, note, 'text="Bert zag niemand."');
  assert.equal(anna.sync().sent, 2);
  const done = bert.sync();
  assert.deepEqual([done.sent, done.received, done.conflicts], [2, 2, 1]);
  assert.equal(anna.sync().conflicts, 1);
  same();
  const shown = anna.json(["record", "show", id, person]).fields;
  assert.deepEqual([shown.phone, shown.language], ["0612345678", "Pools"]);
  const sides = ["Anna zag licht.", "Bert zag niemand."];
  const lists = [anna.json(["conflicts"]), bert.json(["conflicts"]), agency.json(["conflict", "list"])];
  for (const list of lists) {
    assert.equal(list.length, 1);
    assert.equal(list[0].conflict, lists[0][0].conflict);
    assert.deepEqual(list[0].sides.map((side) => side.value).sort(), sides);
    assert.equal(list[0].base, "De buurvrouw belde.");
  }
});

test("a decision at the centre reaches both, and the history can be checked", () => {
  const [conflict] = agency.json(["conflict", "list"]);
  const taken = agency.run(["conflict", "resolve", conflict.conflict, "--take", "side=1", "--reason",
    "met beiden besproken"]);
  assert.equal(taken.code, 0, taken.err);
  for (const tablet of [anna, bert]) {
    const done = tablet.sync();
    assert.deepEqual([done.received, done.conflicts], [1, 0]);
    assert.equal(tablet.json(["record", "show", id, note]).fields.text, conflict.sides[0].value);
    assert.deepEqual(tablet.json(["verify", id]).findings, []);
    assert.deepEqual(tablet.json(["fsck"]).findings, []);
  }
  same();
  const dir = join(bert.dir, "export");
  bert.json(["export", id, dir]);
  assert.deepEqual(bert.json(["verify", dir]).findings, []);
  const git = (...words) => spawnSync("git", ["-C", dir, ...words], { encoding: "utf8" });
  assert.equal(git("fsck", "--strict").status, 0);
  const commits = git("rev-list", "main").stdout.trim().split("\n");
  assert.equal(commits.length, bert.json(["log", id]).length);
  for (const commit of commits) assert.equal(git("verify-commit", commit).status, 0, commit);
});

test("it works in the process that holds the vault open, with what that process knows", () => {
  anna.json(["unlock"]);
  const bare = { pin: false };
  anna.json(["record", "set", id, note, 'text="Later nog eens gebeld."'], bare);
  const done = anna.sync(bare);
  assert.deepEqual([done.sent, done.takenIn], [1, 1]);
  assert.equal(anna.json(["log", id], bare)[0].clock, "anchored");
  anna.json(["lock"], bare);
  assert.equal(bert.sync().received, 1);
  same();
});
