// Two vaults without an agency exchange a case by hand: what one wrote the other reads, both ways and
// twice, and where they wrote the same field a person is asked.
import { strict as assert } from "node:assert";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { HASH, ID, INSTANT, World, members } from "./world.mjs";

const anna = new World();
const bea = new World();
const annaDevice = anna.init("Anna").device;
const beaDevice = bea.init("Bea").device;
const id = anna.newCase();
let files = 0;

function know(world, other) {
  const card = other.json(["card"]);
  world.json(["card", "add", "-", "--yes", "--check", card.code], { input: card.card });
}

test("a check code as people type it", () => {
  const carl = new World();
  carl.init("Carl");
  const { card, code } = bea.json(["card"]);
  const wrong = (code[0] === "0" ? "1" : "0") + code.slice(1);
  for (const typed of [wrong, code.slice(0, -1), code + "0", ""])
    assert.notEqual(carl.run(["card", "add", "-", "--yes", "--check", typed], { input: card }).code, 0);
  assert.deepEqual(carl.json(["card", "list"]), []);
  const typed = code.toLowerCase().replaceAll("-", " ");
  assert.ok(carl.json(["card", "add", "-", "--yes", "--check", typed], { input: card }).added);
});

function give(from, to, device) {
  const file = join(from.dir, `bundle-${files++}`);
  const made = from.json(["bundle", "make", id, "--to", device, "--file", file]);
  members(made, ["bytes", "cases", "file"]);
  assert.equal(statSync(file).size, made.bytes);
  const taken = to.json(["bundle", "take", file]);
  members(taken, ["added", "cases", "forged", "known", "newCases", "otherTree", "refused",
    "unknownDevice"]);
  return { file, taken };
}

test("only for whom there is a card, and only from whom there is one", () => {
  const file = join(anna.dir, "early");
  anna.refused(["bundle", "make", id, "--to", beaDevice, "--file", file], 10, "not-found");
  know(anna, bea);
  anna.json(["bundle", "make", id, "--to", "Bea", "--file", file]);
  bea.refused(["bundle", "take", file], 9, "not-allowed");
  anna.refused(["bundle", "make", id, "--to", "Bea", "--file", file], 1, "exists");
  anna.refused(["bundle", "make", id, "--to", "Bea", "--file", "-"], 2, "invalid");
  assert.ok(!existsSync(join(anna.dir, "-")));
  anna.refused(["bundle", "make", "ffff", "--to", "Bea", "--file", file + "x"], 10, "not-found");
  assert.ok(!existsSync(file + "x"));
  know(bea, anna);
});

test("a case goes over whole, and once", () => {
  const { file, taken } = give(anna, bea, beaDevice);
  assert.deepEqual([taken.newCases, taken.added, taken.known, taken.refused], [1, 1, 0, 0]);
  assert.deepEqual(bea.json(["case", "show", id]), anna.json(["case", "show", id]));
  assert.equal(bea.json(["log", id])[0].worker, "Anna");
  const again = bea.json(["bundle", "take", file]);
  assert.deepEqual([again.newCases, again.added, again.known], [0, 0, 1]);
});

test("concurrent work is joined, and asks where it must", () => {
  const note = anna.json(["case", "show", id]).records.find((r) => r.type === "note").record;
  const person = anna.json(["case", "show", id]).records.find((r) => r.type === "person").record;
  anna.json(["record", "set", id, note, 'text="Anna zag licht."']);
  bea.json(["record", "set", id, note, 'text="Bea zag niemand."']);
  bea.json(["record", "set", id, person, 'phone="0612345678"']);
  assert.equal(give(bea, anna, annaDevice).taken.added, 2);
  assert.equal(give(anna, bea, beaDevice).taken.added, 1);

  const here = anna.json(["case", "show", id]);
  assert.deepEqual(bea.json(["case", "show", id]), here);
  assert.deepEqual(here.records.find((r) => r.record === note).conflicts, ["text"]);
  assert.equal(here.records.find((r) => r.record === person).fields.phone, "0612345678");

  const [conflict, ...others] = anna.json(["conflicts"]);
  assert.deepEqual(others, []);
  for (const name of ["conflict", "case", "record", "field", "base", "effective", "sides"])
    assert.ok(name in conflict, name);
  assert.match(conflict.conflict, ID);
  assert.deepEqual([conflict.case, conflict.record, conflict.field, conflict.base],
    [id, note, "text", "De buurvrouw belde."]);
  assert.deepEqual(conflict.sides.map((side) => side.worker).sort(), ["Anna", "Bea"]);
  for (const side of conflict.sides) {
    for (const name of ["value", "worker", "device", "time", "clock"]) assert.ok(name in side, name);
    assert.match(side.time, INSTANT);
  }
  assert.match(anna.run(["conflicts", id]).out, /Bea zag niemand\./);

  assert.match(anna.json(["record", "set", id, note, 'text="Samen: er brandde licht."']).change, HASH);
  assert.deepEqual(anna.json(["conflicts"]), []);
  give(anna, bea, beaDevice);
  assert.deepEqual(bea.json(["conflicts"]), []);
  for (const world of [anna, bea]) {
    assert.deepEqual(world.json(["verify", id]).findings, []);
    assert.deepEqual(world.json(["fsck"]).findings, []);
  }
});

test("a bundle that was cut or changed is refused", () => {
  const { file } = give(anna, bea, beaDevice);
  const whole = readFileSync(file);
  const before = bea.json(["case", "show", id]).stateId;
  for (const [name, bytes] of [["cut", whole.subarray(0, whole.length - 20)], ["empty", whole.subarray(0, 0)]]) {
    const path = join(bea.dir, name);
    writeFileSync(path, bytes);
    assert.ok([2, 8].includes(bea.run(["bundle", "take", path]).code), name);
  }
  for (let offset = 0; offset < whole.length; offset += Math.ceil(whole.length / 15)) {
    const bytes = Buffer.from(whole);
    bytes[offset] ^= 4;
    const path = join(bea.dir, "flipped");
    writeFileSync(path, bytes);
    assert.notEqual(bea.run(["bundle", "take", path]).code, 0, `byte ${offset}`);
  }
  assert.equal(bea.json(["case", "show", id]).stateId, before);
});
