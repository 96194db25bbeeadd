// What a tablet need not keep: its own past folded, a checkpoint in place of a past it never had,
// and the past fetched when somebody asks. Each of the three is killed at system calls too: nothing
// is lost, and doing it again completes it. VELD_KILL_STRIDE=1 tries every call; unset, the
// one in the middle, since unit.sync.power tries all of them on a disk in memory.
import { strict as assert } from "node:assert";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { countCalls, killAt, skipWithoutTrace, wasKilled, writeDown } from "../cli/kill.mjs";
import { Agency, Tablet } from "./world.mjs";

const SAVES = 105; // over what a checkpoint is made for

skipWithoutTrace();
const agency = new Agency();
await agency.serve();
const anna = new Tablet(), bert = new Tablet();
anna.enrol(agency.invite("Anna"));
const bertDevice = bert.enrol(agency.invite("Bert")).device;
const id = anna.newCase();
const person = anna.record(id, "person");

const unsent = (who) => who.json(["status"]).unsent;
const syncUntil = (who, wanted) => {
  for (let i = 0; i < 20; i++) {
    who.sync();
    if (wanted()) return;
  }
  assert.fail("it did not come");
};
const isSame = (who) => who.stateId(id) === agency.stateId(id);

// With no finding; `changes` rows here, `before` that are not.
function verified(who, changes, before) {
  const proof = who.json(["verify", id]);
  assert.deepEqual(proof.findings, []);
  assert.deepEqual([proof.changes, proof.before], [changes, before]);
  assert.equal(proof.signatures, changes);
}

test("a case of a hundred changes is whole on its tablet and at the office", () => {
  anna.json(["unlock"]);
  for (let i = 0; i < SAVES; i++)
    anna.json(["record", "set", id, person, `name="Mina ${i}"`], { pin: false });
  anna.json(["lock"], { pin: false });
  syncUntil(anna, () => unsent(anna) === 0);
  assert.ok(isSame(anna));
  verified(anna, SAVES + 1, undefined);
  assert.deepEqual(agency.json(["verify", id]).findings, []);
});

test("what is young is kept, what was folded is the same case", () => {
  assert.equal(anna.json(["case", "compact", id]).folded, 0);
  anna.refused(["case", "compact", id, "--keep", "-1"], 2, "invalid");
  const before = anna.json(["case", "show", id]);
  assert.equal(anna.json(["case", "compact", id, "--keep", "0"]).folded, SAVES + 1);
  assert.deepEqual(anna.json(["case", "show", id]), before);
  verified(anna, 0, SAVES + 1);
  assert.match(anna.run(["log", id]).err, /begint hier met een ijkpunt van dit apparaat/);
  assert.deepEqual(anna.json(["fsck"]).findings, []);
  anna.set(id, person, 'name="Mina van later"');
  syncUntil(anna, () => unsent(anna) === 0);
  assert.ok(isSame(anna));
  verified(anna, 1, SAVES + 1);
});

const saved = (who) => join(who.dir, "saved");
const keep = (who) => cpSync(who.home, saved(who), { recursive: true });
const restore = (who) => {
  rmSync(who.home, { recursive: true, force: true });
  cpSync(saved(who), who.home, { recursive: true });
};

// `words` killed at calls from the first that it makes to the last; `settled` looks at what is left,
// repeats and looks again.
function killed(t, who, words, settled) {
  const points = [];
  const file = join(who.dir, "calls");
  keep(who);
  assert.equal(who.run(words, { wrap: writeDown(file) }).code, 0);
  const all = Object.entries(countCalls(file))
    .flatMap(([call, count]) => Array.from({ length: count }, (_, i) => [call, i + 1]));
  const step = Number(process.env.VELD_KILL_STRIDE ?? all.length);
  for (let i = step >> 1; i < all.length; i += step) {
    const [call, n] = all[i];
    restore(who);
    const done = who.run(words, { wrap: killAt(call, n) });
    if (!wasKilled(done)) continue; // fewer calls this time: the network came in other pieces
    points.push(`${call} ${n}`);
    settled(points.at(-1));
  }
  restore(who);
  rmSync(saved(who), { recursive: true });
  t.diagnostic(`${points.length} points: ${points.join(", ")}`);
  assert.ok(points.length > 0);
}

test("a new tablet gets a checkpoint, killed anywhere on its way", (t) => {
  agency.json(["case", "assign", id, bertDevice]);
  const gets = () => syncUntil(bert, () => bert.json(["case", "list"]).length === 1 && isSame(bert));
  killed(t, bert, ["sync", "--once"], (where) => {
    assert.deepEqual(bert.json(["fsck"]).findings, [], where);
    gets();
    verified(bert, 0, SAVES + 2);
  });
  gets();
  verified(bert, 0, SAVES + 2);
  assert.match(bert.run(["log", id]).err, /begint hier met een ijkpunt van kantoor/);
  bert.set(id, person, 'language="nl"');
  syncUntil(bert, () => unsent(bert) === 0);
  syncUntil(anna, () => isSame(anna));
  verified(bert, 1, SAVES + 2);
});

test("folding killed anywhere loses nothing, and what is unsent stays", (t) => {
  anna.set(id, person, 'name="Nog niet verzonden"');
  const before = anna.json(["case", "show", id]);
  killed(t, anna, ["case", "compact", id, "--keep", "0"], (where) => {
    assert.deepEqual(anna.json(["case", "show", id]), before, where);
    assert.deepEqual(anna.json(["fsck"]).findings, [], where);
    anna.json(["case", "compact", id, "--keep", "0"]);
    assert.deepEqual(anna.json(["case", "show", id]), before, where);
    assert.equal(unsent(anna), 1, where);
    verified(anna, 1, SAVES + 3);
  });
});

test("the past comes when somebody asks, killed anywhere on its way", (t) => {
  assert.equal(anna.json(["case", "history", id]).wanted, true);
  const isWhole = () => anna.json(["verify", id]).before === undefined && unsent(anna) === 0;
  killed(t, anna, ["sync", "--once"], (where) => {
    assert.equal(anna.json(["case", "show", id]).records
      .find((r) => r.record === person).fields.name, "Nog niet verzonden", where);
    assert.deepEqual(anna.json(["fsck"]).findings, [], where);
    syncUntil(anna, isWhole);
    verified(anna, SAVES + 4, undefined);
  });
  syncUntil(anna, isWhole);
  assert.ok(isSame(anna));
  verified(anna, SAVES + 4, undefined);
  assert.equal(anna.json(["log", id]).length, SAVES + 4);
  assert.equal(anna.json(["case", "history", id]).wanted, false);
});

test("who began with a checkpoint can have its past too", () => {
  assert.equal(bert.json(["case", "history", id]).wanted, true);
  syncUntil(bert, () => bert.json(["verify", id]).before === undefined && isSame(bert));
  verified(bert, SAVES + 4, undefined);
  assert.deepEqual(agency.json(["verify", id]).findings, []);
  assert.deepEqual(agency.json(["fsck"]).findings, []);
});
