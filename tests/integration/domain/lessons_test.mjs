// What users of other systems lost, played here: changes out of order, cut off, before what they are
// about, brought back to life, late, and poisoned. A change before the one that made its record, in every
// order and with gaps, is played over random histories in ../../property/cases/join_test.c; late work
// of a revoked tablet that is admitted in ../sync/revoke_test.mjs.
import { strict as assert } from "node:assert";
import { readFileSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { after, test } from "node:test";
import { Household } from "./household.mjs";
import { clientProgram, pause, until } from "../server/world.mjs";

const family = new Household(["Anna", "Bea"]);
const { anna, bea } = family.tablets;
after(() => family.end());
await family.begin({
  records: [
    { type: "case", fields: { title: "Drie broers" } },
    { type: "note", fields: { kind: "fact", text: "De deur stond open." } },
  ],
});
const note = family.record("note");
let files = 0;

// All that Anna has of the case, in a file for Bea.
function bundle() {
  const path = `${family.office.parent}/stick-${++files}.vkb`;
  anna.json(["bundle", "make", family.caseId, "--to", "Bea", "--file", path]);
  return path;
}
const take = (path) => bea.json(["bundle", "take", path]);
const state = (tablet) => tablet.shown().stateId;

test("they exchange cards", () => {
  for (const [from, to] of [[anna, bea], [bea, anna]]) {
    const { card, code } = from.json(["card"]);
    const path = `${family.office.parent}/${from.worker}.card`;
    writeFileSync(path, `${card}\n`);
    to.json(["card", "add", path, "--yes", "--check", code]);
  }
});

test("a newer file before an older one, each twice, gives the same case", async () => {
  anna.set(note, 'text="Eerst dit."');
  const older = bundle();
  anna.set(note, 'text="Toen dat."');
  anna.put("note", { kind: "fact", text: "Nog een." });
  const newer = bundle();
  for (const path of [newer, older, newer, older]) take(path);
  assert.equal(state(bea), state(anna));
  assert.deepEqual(bea.conflicts(), []);
  await family.settle(); // and the server has each once
});

test("a sync that is killed at any moment loses nothing and doubles nothing", async () => {
  for (let i = 0; i < 6; i++) {
    anna.put("note", { kind: "fact", text: `Onderbroken ${i}.` });
    const child = spawn(clientProgram,
      ["--home", anna.home, "--pin-file", anna.pin, "sync", "--once", "--json"], { stdio: "ignore" });
    const ended = new Promise((done) => child.on("exit", done));
    await pause(40 + 70 * i);
    child.kill("SIGKILL");
    await ended;
  }
  await family.settle();
  const texts = bea.shown().records.map((r) => r.fields.text).filter((t) => /^Onderbroken/.test(t));
  assert.deepEqual(texts.sort(), [0, 1, 2, 3, 4, 5].map((i) => `Onderbroken ${i}.`));
});

test("work on a record that was removed brings it back for a person, and restoring is not undone",
  async () => {
    const made = anna.put("note", { kind: "fact", text: "Blijft dit?" });
    await family.settle();
    const record = anna.shown().records.find((r) => r.fields.text === "Blijft dit?").record;
    assert.ok(made);
    anna.json(["record", "delete", family.caseId, record]);
    await family.settle();
    assert.equal(family.value(record, "text"), undefined);
    // Removed once more by one, restored by the other.
    bea.json(["record", "restore", family.caseId, record]);
    await family.settle();
    assert.equal(family.value(record, "text"), "Blijft dit?");
    anna.json(["record", "delete", family.caseId, record]);
    bea.set(record, 'text="Ja, dit blijft."');
    await family.settle();
    assert.equal(family.value(record, "text"), "Ja, dit blijft.");
    assert.equal(family.open("@removed").filter((c) => c.record === record).length, 1);
  });

test("a file that was damaged anywhere is refused whole or taken, and blocks nothing", async () => {
  anna.put("note", { kind: "fact", text: "Na de schade." });
  const good = readFileSync(bundle());
  const path = `${family.office.parent}/damaged.vkb`;
  for (let i = 0; i < 12; i++) {
    const bytes = Buffer.from(good);
    const at = Math.floor((i + 0.5) * bytes.length / 12);
    bytes[at] ^= 1 << (i % 8);
    writeFileSync(path, i % 3 === 0 ? bytes.subarray(0, at) : bytes);
    const done = bea.run(["bundle", "take", path]);
    assert.ok([0, 2, 3, 8].includes(done.code), `${done.code} ${done.out}`);
  }
  writeFileSync(path, good);
  take(path);
  assert.equal(state(bea), state(anna));
  await family.settle();
});

test("what comes long after everybody else went on is joined and asked about, never lost", async () => {
  bea.set(note, 'text="Weken later pas verbinding."');
  for (const text of ["Een.", "Twee.", "Drie."]) {
    anna.set(note, `text="${text}"`);
    anna.sync();
  }
  await until("the office has Anna's", () => family.office.json(["case", "show", family.caseId])
    .records.find((r) => r.record === note).fields.text === "Drie.");
  await family.settle();
  const [open] = family.open("text");
  assert.deepEqual(open.sides.map((s) => s.value).sort(), ["Drie.", "Weken later pas verbinding."]);
});
