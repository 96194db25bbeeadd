// What a worker's screen could have shown at a moment: certain is what her own work proves, possible
// what existed then and reached her some time.
import { strict as assert } from "node:assert";
import { after, test } from "node:test";
import { Household } from "./household.mjs";
import { pause } from "../server/world.mjs";

const family = new Household(["Anna", "Bea"]);
const { anna, bea } = family.tablets;
after(() => family.end());
await family.begin({
  records: [
    { type: "case", fields: { title: "Gezin aan de Vaart" } },
    { type: "note", fields: { kind: "fact", text: "De deur stond open." } },
  ],
});
const note = family.record("note");
const moment = async () => {
  await pause(700); // so much later may a server time reach a tablet here
  const at = new Date().toISOString();
  await pause(700);
  return at;
};
const at = (time, device, on = anna) =>
  on.json(["log", family.caseId, "--at", time, "--device", device]);
const text = (state) => state.records.find((r) => r.record === note)?.fields.text;

test("what is proved, and what may have been", async () => {
  bea.set(note, "fromPolice=false"); // Bea has the first text for certain
  const first = await moment();
  anna.set(note, 'text="De deur stond op een kier."');
  const written = await moment(); // it exists, at Anna's only
  await family.settle();
  const arrived = await moment(); // Bea has it, and nothing of hers shows it yet
  bea.set(note, 'toldTo="de buurvrouw"');
  const shown = await moment();
  await family.settle();

  assert.equal(text(at(first, bea.device).certain), "De deur stond open.");
  assert.equal(text(at(first, bea.device).possible), "De deur stond open.");
  for (const time of [written, arrived]) {
    assert.equal(text(at(time, bea.device).certain), "De deur stond open.");
    assert.equal(text(at(time, bea.device).possible), "De deur stond op een kier.");
  }
  for (const on of [anna, bea]) {
    const known = at(shown, on === bea ? "Bea" : bea.device, on);
    assert.equal(text(known.certain), "De deur stond op een kier.");
    if (on === bea) assert.equal(known.worker, "Bea");
    assert.equal(known.last.number, 2);
    assert.equal(known.next, null);
  }
  assert.equal(text(at(written, "Anna").certain), "De deur stond op een kier.");
});

test("an open choice was open then, though it is decided now", async () => {
  anna.set(note, 'text="Kier, zegt Anna."');
  bea.set(note, 'text="Open, zegt Bea."');
  await family.settle();
  bea.put("note", { kind: "fact", text: "De buurman belde." }); // with the open choice before her
  const open = await moment();
  await family.settle();
  family.decide(family.open("text")[0], "base", "Nagevraagd.");
  await family.settle();
  assert.deepEqual(bea.conflicts(), []);
  const known = at(open, bea.device);
  assert.equal(known.certain.conflicts.length, 1);
  assert.deepEqual(known.certain.conflicts[0].sides.map((s) => s.value).sort(),
    ["Kier, zegt Anna.", "Open, zegt Bea."]);
});

test("before there was anything, and who never wrote", () => {
  const known = at("2001-01-01T00:00:00Z", "Anna");
  assert.deepEqual(known.certain, { changes: 0, conflicts: [], records: [] });
  assert.deepEqual(known.possible, { changes: 0, conflicts: [], records: [] });
  assert.equal(known.last, null);
  anna.refused(["log", family.caseId, "--at", "2001-01-01T00:00:00Z", "--device", "Cees"],
    10, "not-found");
  anna.refused(["log", family.caseId, "--at", "gisteren", "--device", "Anna"], 2, "invalid");
  anna.refused(["log", family.caseId, "--at", "2001-01-01T00:00:00Z"], 2, "invalid");
});
