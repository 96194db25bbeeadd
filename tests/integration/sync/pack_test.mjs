// The profile `pack`: what is assigned and what is to be read today, with the real programs.
import { strict as assert } from "node:assert";
import test from "node:test";
import { Agency, DOSSIER, Tablet } from "./world.mjs";

const agency = new Agency();
const anna = new Tablet(), bert = new Tablet();
const visit = (at) => ({ type: "visit", fields: { form: "homeVisit", plannedAt: at.toISOString() } });
const now = new Date();
const week = new Date(Date.now() + 7 * 86400000);
let planned, later;

const until = (what, tablet, wanted) => {
  for (let i = 0; i < 20; i++) {
    tablet.sync();
    if (wanted()) return;
  }
  assert.fail(what);
};
const listed = (tablet) => tablet.json(["case", "list"]).map((row) => row.case).sort();
const code = (tablet, id) => tablet.run(["case", "show", id]).code;

test("what is not of today gets no key, and what was planned for today comes", async () => {
  await agency.serve();
  anna.enrol(agency.invite("Anna"));
  bert.enrol(agency.invite("Bert"));
  assert.equal(agency.json(["profile"]).pack, "assigned");
  assert.equal(agency.run(["profile", "--pack", "alles"]).code, 2);
  assert.equal(agency.json(["profile", "--pack", "today"]).pack, "today");
  planned = anna.newCase({ records: [...DOSSIER.records, visit(now)] });
  later = anna.newCase({ records: [...DOSSIER.records, visit(week)] });
  anna.sync();
  for (const id of [planned, later]) {
    agency.json(["case", "assign", id, "Bert"]);
    assert.equal(code(anna, id), 0); // she made it today
  }
  until("the case of today did not come", bert, () => code(bert, planned) === 0);
  assert.deepEqual(listed(bert), [planned]);
  anna.json(["record", "put", later, "visit", "--file", anna.file("v.json",
    { fields: visit(now).fields })]);
  until("it was not taken in", anna, () => anna.json(["status"]).unsent === 0);
  until("the visit brought nothing", bert, () => code(bert, later) === 0);
  assert.equal(bert.stateId(later), agency.stateId(later));
});

test("a visit that is moved ends reading at the next word of the agency; all come back", () => {
  agency.json(["profile", "--pack", "assigned"]);
  const third = anna.newCase();
  anna.sync();
  agency.json(["case", "assign", third, "Bert"]);
  until("it did not come", bert, () => code(bert, third) === 0);
  agency.json(["profile", "--pack", "today"]);
  until("it is still read", bert, () => code(bert, third) === 5);
  assert.equal(code(bert, planned), 0);
  assert.equal(bert.json(["case", "list"]).find((row) => row.case === third).title, null);
  bert.json(["record", "put", third, "note", "--file",
    bert.file("n.json", { fields: { kind: "fact", text: "Toch iets gehoord" } })]);
  until("it was not taken in", bert, () => bert.json(["status"]).unsent === 0);
  until("it did not come", anna, () =>
    JSON.stringify(anna.json(["case", "show", third])).includes("Toch iets gehoord"));
  agency.json(["profile", "--pack", "assigned"]);
  until("it did not come back", bert, () => code(bert, third) === 0);
  assert.deepEqual(listed(bert), [planned, later, third].sort());
});

test("the case after the two hundredth is refused, with what to do", async (t) => {
  if (!process.env.VELD_LONG) return t.skip("VELD_LONG is not set");
  const carla = new Tablet();
  carla.enrol(agency.invite("Carla"));
  for (let i = 0; i < 200; i++) anna.newCase();
  anna.sync();
  const ids = agency.json(["case", "list"]).map((row) => row.case);
  for (const id of ids.slice(0, 200)) agency.json(["case", "assign", id, "Carla"]);
  const refused = agency.run(["case", "assign", ids[200], "Carla"]);
  assert.notEqual(refused.code, 0);
  assert.match(refused.out + refused.err, /al 200 zaken.*case unassign/);
});

test("the end", async () => agency.stop());
