// Blind work: who reported, a note without a case, and a record for a compartment that a tablet may
// not read, are sealed to the agency when they are saved: nothing of them is readable on the tablet
// or at the relay, and nothing is lost.
import { strict as assert } from "node:assert";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Agency, DOSSIER, ID, Tablet } from "./world.mjs";

const CANARY = "Kwikstaart Papegaai Meeuw";
const agency = new Agency();
await agency.serve();
const anna = new Tablet(), bert = new Tablet();
const bertId = {};
let id;

const part = (who, name) => who.json(["case", "show", id, "--compartment", name]);
const code = (who, name) => who.run(["case", "show", id, "--compartment", name]).code;
const put = (who, type, fields, more = {}) => who.json(["record", "put", id, type, "--file", "-"],
  { input: JSON.stringify({ fields }), ...more });
const until = (tablet, wanted) => {
  for (let i = 0; i < 20; i++) {
    tablet.sync();
    if (wanted()) return;
  }
  assert.fail("it did not come");
};

function filesBelow(dir) {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    return entry.isDirectory() ? filesBelow(path) : entry.isFile() && statSync(path).size ? [path] : [];
  });
}
const nowhere = (dir, text) => {
  for (const path of filesBelow(dir))
    assert.equal(readFileSync(path).includes(Buffer.from(text)), false, path);
};

test("who reported is sealed: not a word of it can be read on the tablet or at the relay", () => {
  anna.enrol(agency.invite("Anna"));
  bertId.device = bert.enrol(agency.invite("Bert")).device;
  id = anna.newCase();
  anna.sync();
  const { unsent } = anna.json(["status"]);
  assert.equal(unsent, 0);
  put(anna, "reporter", { name: CANARY, capacity: "neighbour", wantsAnonymity: true });
  assert.equal(anna.json(["status"]).unsent, 2); // the link in main, and what is sealed
  anna.refused(["case", "show", id, "--compartment", "reporter"], 10, "not-found");
  nowhere(anna.home, CANARY);
  const done = anna.sync();
  assert.deepEqual([done.sent, done.takenIn], [2, 2]);
  assert.equal(anna.json(["status"]).unsent, 0);
  assert.equal(code(anna, "reporter"), 10);
  const seen = part(agency, "reporter");
  assert.equal(seen.records.find((r) => r.type === "reporter").fields.name, CANARY);
  assert.deepEqual(seen.parts, [anna.json(["case", "show", id]).records
    .find((r) => r.type === "compartment").fields.case]);
  nowhere(join(agency.dir, "relay"), CANARY);
  assert.deepEqual(anna.json(["fsck"]).findings, []);
});

test("it is never given to a tablet, and a colleague adds to it without reading it", () => {
  agency.json(["case", "assign", id, bertId.device]);
  assert.equal(agency.run(["case", "assign", id, bertId.device, "--compartment", "reporter"]).code, 9);
  until(bert, () => bert.run(["case", "show", id]).code === 0);
  put(bert, "reporter", { name: "Tweede", wantsAnonymity: false });
  until(bert, () => bert.json(["status"]).unsent === 0);
  const seen = part(agency, "reporter");
  assert.equal(seen.parts.length, 1);
  assert.deepEqual(seen.records.filter((r) => r.type === "reporter").map((r) => r.fields.name).sort(),
    [CANARY, "Tweede"]);
  for (const tablet of [anna, bert]) assert.equal(code(tablet, "reporter"), 10);
});

test("a dossier that is handed in may name its reporter", () => {
  const made = anna.newCase({ records: [...DOSSIER.records,
    { type: "reporter", fields: { name: "Derde", wantsAnonymity: true } }] });
  anna.sync();
  const seen = agency.json(["case", "show", made, "--compartment", "reporter"]);
  assert.equal(seen.records.find((r) => r.type === "reporter").fields.name, "Derde");
  assert.equal(anna.run(["case", "show", made, "--compartment", "reporter"]).code, 10);
});

test("a quick note arrives as a case to be sorted", () => {
  const noted = bert.json(["note", "quick", "--file", "-"], { input: `Bel terug: ${CANARY}` });
  assert.match(noted.case, ID);
  nowhere(bert.home, CANARY);
  assert.equal(bert.json(["case", "list"]).some((row) => row.case === noted.case), false);
  until(bert, () => bert.json(["status"]).unsent === 0);
  const row = agency.json(["case", "list"]).find((one) => one.case === noted.case);
  assert.match(row.title, /^Snelle notitie \d{4}-\d\d-\d\d \d\d:\d\d$/);
  const { records } = agency.json(["case", "show", noted.case]);
  assert.equal(records.find((r) => r.type === "note").fields.text, `Bel terug: ${CANARY}`);
  agency.json(["case", "assign", noted.case, bertId.device]);
  until(bert, () => bert.run(["case", "show", noted.case]).code === 0);
  assert.equal(bert.stateId(noted.case), agency.stateId(noted.case));
});

test("a compartment that is linked and not here is written blind, and comes to who has it", () => {
  const secret = { persons: [anna.record(id, "person")], whereabouts: "shelter", place: "Schuilplaats",
    secret: true };
  put(anna, "address", secret);
  anna.sync();
  until(bert, () => bert.json(["case", "show", id]).records.some((r) => r.fields.name === "address"));
  assert.equal(code(bert, "address"), 10);
  put(bert, "address", { ...secret, place: "Ook hier", secret: false });
  assert.equal(code(bert, "address"), 10);
  until(bert, () => bert.json(["status"]).unsent === 0);
  const places = part(agency, "address").records.filter((r) => r.type === "address")
    .map((r) => r.fields.place).sort();
  assert.deepEqual(places, ["Ook hier", "Schuilplaats"]);
  assert.equal(part(agency, "address").parts.length, 1);
});

test("a lost server gets all blind work that it did not take in again", async () => {
  await agency.stop();
  put(anna, "reporter", { name: "Vierde", wantsAnonymity: true });
  assert.equal(anna.run(["sync", "--once"]).code, 7);
  assert.equal(anna.json(["status"]).unsent, 1);
  await agency.serve();
  until(anna, () => anna.json(["status"]).unsent === 0);
  assert.equal(part(agency, "reporter").records.filter((r) => r.fields.name === "Vierde").length, 1);
});

test("without an agency there is nobody to seal it to", () => {
  const lone = new Tablet();
  lone.init();
  const made = lone.newCase();
  lone.refused(["note", "quick", "--file", lone.file("n.txt", "hallo")], 9, "not-allowed");
  lone.refused(["record", "put", made, "reporter", "--file",
    lone.file("r.json", { fields: { wantsAnonymity: true } })], 9, "not-allowed");
});
