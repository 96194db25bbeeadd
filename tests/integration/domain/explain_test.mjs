// The explanation for who was not there, word for word: a lay reader has nothing else. Times are left
// out of the comparison, for they are those of the day of the test.
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { Household } from "./household.mjs";

const golden = new URL("explain.txt", import.meta.url);
const family = new Household(["Anna", "Bea"]);
const { anna, bea } = family.tablets;
after(() => family.end());
await family.begin({
  records: [
    { type: "case", fields: { title: "Gezin aan de Vaart", priorityCode: "red" } },
    { type: "person", ref: "moeder", fields: { name: "Samira Hendriks", language: "Arabisch" } },
    { type: "safety-agreement", fields: { what: "De buurvrouw haalt de kinderen op.",
      when: "elke woensdag" } },
    { type: "note", fields: { kind: "fact", text: "De deur stond open." } },
  ],
});
const agreement = family.record("safety-agreement");
const note = family.record("note");

test("a case where nothing met says so", () => {
  const { out } = family.office.run(["conflict", "explain", family.caseId]);
  assert.match(out, /Nergens is iets los van elkaar ingevuld/);
  assert.deepEqual(family.office.json(["conflict", "explain", family.caseId]).meetings, []);
});

test("who wrote what, by which rule, and who decided why", async () => {
  anna.set(agreement, 'when="elke vrijdag om 16.00 uur"');
  bea.set(agreement, 'when="elke zaterdag om 10.00 uur"');
  anna.set(family.record("person"), 'language="Tamazight"');
  bea.set(family.record("person"), 'language="Frans"');
  anna.set(note, 'toldTo="de buurvrouw"');
  bea.json(["record", "delete", family.caseId, note]);
  anna.set(family.record("case"), 'priorityCode="orange"');
  bea.put("incident", { occurredAt: "2026-03-02T20:30:00+01:00", description: "Er is geslagen." });
  await family.settle();
  const open = family.office.json(["conflict", "list"]);
  const when = open.find((c) => c.field === "when");
  const { side } = when.sides.find((s) => s.worker === "Anna");
  family.decide(when, `side=${side}`, "Nagebeld: vrijdag kan wel.");
  await family.settle();
  bea.set(agreement, 'where="bij de school"'); // with the decision before her
  await family.settle();

  const { out } = family.office.run(["conflict", "explain", family.caseId]);
  const plain = out.replace(/\d{1,2} [a-z]+ \d{4} om \d\d\.\d\d uur/g, "<tijdstip>")
    .replace(/gold: “.*”\.$/gm, "gold: <de laatste>."); // two seconds apart, by clocks of two devices
  assert.equal(plain, readFileSync(golden, "utf8"));
  // Nothing that only a program understands.
  assert.doesNotMatch(out, /[0-9a-f]{8}-[0-9a-f]{4}|\bnull\b|\btrue\b|safety-agreement|conflict/);
});

test("the same for programs", () => {
  const { meetings } = family.office.json(["conflict", "explain", family.caseId]);
  const when = meetings.find((m) => m.field === "when");
  assert.deepEqual(when.sides.map((s) => [s.worker, s.value]).sort(),
    [["Anna", "elke vrijdag om 16.00 uur"], ["Bea", "elke zaterdag om 10.00 uur"]]);
  assert.equal(when.base, "elke woensdag");
  assert.equal(when.open, false);
  assert.equal(when.endings.length, 1);
  assert.equal(when.endings[0].reason, "Nagebeld: vrijdag kan wel.");
  const anna = when.sides.find((s) => s.worker === "Anna");
  assert.ok(anna.seenBy.some((who) => who.worker === "Bea"));
  assert.match(anna.received, /Z$/);
  const { held } = family.office.json(["conflict", "explain", family.caseId]);
  assert.deepEqual(held.map((h) => [h.field, h.held, h.value, h.effective, h.worker]),
    [["priorityCode", "danger", "orange", "red", "Anna"]]);
  assert.deepEqual(held[0].dangers.map((d) => [d.type, d.worker]), [["incident", "Bea"]]);
});

test("what was held back stays told when it is decided, and a decision that is taken back too",
  async () => {
    const [held] = family.open("priorityCode");
    family.decide(held, 'value="orange"', "De politie is langs geweest.");
    const { out } = family.office.run(["conflict", "explain", family.caseId]);
    assert.match(out, new RegExp("Dit was opgeschreven en telde nog niet:\\n   - Anna, .*: schreef " +
      "“Oranje”\\..*\\n   Dit geeft minder bescherming[^]*Bea, .*Er is geslagen[^]*Tot er gekozen was " +
      "gold: “Rood”\\.\\n   Besloten: carla koos op .* “Oranje”\\. Reden: “De politie is langs " +
      "geweest\\.” Bevestigd door dirk\\."));
    const told = family.office.json(["conflict", "explain", family.caseId]).held;
    assert.deepEqual(told.map((h) => [h.field, h.held, h.value, h.effective, h.ending.decidedBy,
      h.ending.confirmedBy]), [["priorityCode", "danger", "orange", "red", "carla", "dirk"]]);
    const as = (name, pin) => family.as(name, pin);
    family.office.json(["conflict", "resolve", held.conflict, "--revise", "--take", 'value="red"',
      "--reason", "Toch niet.", ...as("carla", "839201")]);
    family.office.json(["conflict", "confirm", held.conflict, ...as("dirk", "5512-katten")]);
    const after = family.office.json(["conflict", "explain", family.caseId]).held;
    assert.deepEqual(after.map((h) => [h.ending.value, h.ending.reason]),
      [["orange", "De politie is langs geweest."], ["red", "Toch niet."]]);
    // One line of the log each time, however it is told: eight times in this file.
    const lines = family.office.json(["audit", "query", "--case", family.caseId])
      .filter((line) => line.eventTypeCode === "conflict explain");
    assert.equal(lines.length, 8);
  });

test("who takes back her own removal is not said to have seen what another wrote", async () => {
  const { record } = anna.put("note", { kind: "fact", text: "Er stond een fiets in de gang." });
  await family.settle();
  anna.json(["record", "delete", family.caseId, record]);
  bea.set(record, 'toldTo="de politie"');
  anna.json(["record", "restore", family.caseId, record]);
  await family.settle();
  const { out } = family.office.run(["conflict", "explain", family.caseId]);
  assert.match(out, /Anna schreef op .* dat het onderdeel blijft, zonder gezien te hebben wat een ander/);
});
