// Compartments over the network: a dossier with addresses, made offline; who gets the case gets the
// addresses that are not secret; each compartment has one state on all that hold it.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { Agency, DOSSIER, ID, Tablet } from "./world.mjs";

const agency = new Agency();
await agency.serve();
const anna = new Tablet(), bert = new Tablet(), carla = new Tablet();
const ids = new Map();
let id, address;

const ADDRESSES = { records: [...DOSSIER.records,
  { type: "address", fields: { persons: ["#moeder"], whereabouts: "home", street: "Dorpsstraat 1",
    postcode: "1999 ZZ", place: "Nergenshuizen" } }] };

const show = (who, name, zaak = id) => who.json(["case", "show", zaak, "--compartment", name]);
const gone = (who, zaak, name) => who.run(["case", "show", zaak, "--compartment", name]).code;
const same = (name, who) => {
  const seen = who.map((one) => show(one, name));
  for (const one of seen) assert.deepEqual(one, seen[0]);
  return seen[0];
};
const until = (tablet, wanted) => {
  for (let i = 0; i < 20; i++) {
    tablet.sync();
    if (wanted()) return;
  }
  assert.fail("it did not come");
};

test("a dossier with an address is one dossier of two cases", () => {
  for (const [tablet, name] of [[anna, "Anna"], [bert, "Bert"], [carla, "Carla"]])
    ids.set(tablet, tablet.enrol(agency.invite(name)).device);
  id = anna.newCase(ADDRESSES);
  const [row, ...others] = anna.json(["case", "list"]);
  assert.deepEqual([row.case, row.records, row.unsent, others], [id, 4, 2, []]);
  assert.equal(anna.json(["status"]).cases, 1);
  const main = anna.json(["case", "show", id]);
  assert.deepEqual(Object.keys(main).sort(), ["case", "records", "stateId"]);
  const link = main.records.find((r) => r.type === "compartment");
  assert.equal(main.records.some((r) => r.type === "address"), false);
  const part = show(anna, "address");
  assert.deepEqual([part.case, part.compartment, part.parts], [id, "address", [link.fields.case]]);
  assert.match(part.parts[0], ID);
  assert.notEqual(part.parts[0], id);
  address = part.records.find((r) => r.type === "address");
  assert.equal(address.fields.place, "Nergenshuizen");
  assert.deepEqual(address.fields.persons, [main.records.find((r) => r.type === "person").record]);
  assert.deepEqual(show(anna, "address", part.parts[0]).records, part.records); // by its own number
});

test("links are not made, changed or taken away by hand", () => {
  const link = anna.record(id, "compartment");
  const back = show(anna, "address").records.find((r) => r.type === "dossier").record;
  const file = anna.file("link.json", { fields: { name: "address", case: id } });
  anna.refused(["record", "put", id, "compartment", "--file", file], 2, "invalid");
  anna.refused(["record", "set", id, link, `case="${id}"`], 2, "invalid");
  anna.refused(["record", "delete", id, link], 2, "invalid");
  anna.refused(["record", "delete", id, back, "--compartment", "address"], 2, "invalid");
});

test("who is assigned the case gets the address, with one state on all three", () => {
  const done = anna.sync();
  assert.deepEqual([done.sent, done.takenIn], [2, 2]);
  assert.deepEqual(agency.json(["case", "list"]).map((row) => row.case), [id]);
  assert.equal(gone(bert, id, "address"), 10);
  agency.json(["case", "assign", id, ids.get(bert)]);
  until(bert, () => gone(bert, id, "address") === 0);
  same("main", [anna, bert, agency]);
  same("address", [anna, bert, agency]);
  assert.deepEqual(bert.json(["case", "list"]), [{ case: id, records: 4, title: "Meldpunt Dorpsstraat",
    unsent: 0 }]);
});

test("work on an address is joined, and a conflict names its compartment", () => {
  const at = ["--compartment", "address"];
  anna.json(["record", "set", id, address.record, 'street="Kade 2"', ...at]);
  bert.json(["record", "set", id, address.record, 'street="Plein 3"', 'to="2026-12-01"', ...at]);
  // Who names no compartment means the one that has the record; who names another does not find it.
  assert.equal(anna.json(["record", "show", id, address.record]).fields.street, "Kade 2");
  assert.equal(anna.json(["record", "show", id, address.record.slice(-8)]).record, address.record);
  anna.refused(["record", "show", id, address.record, "--compartment", "main"], 10, "not-found");
  anna.refused(["record", "show", id, "00000000"], 10, "not-found");
  anna.sync();
  bert.sync();
  until(anna, () => anna.json(["conflicts"]).length === 1);
  for (const list of [anna.json(["conflicts", id]), bert.json(["conflicts", ...at]),
    agency.json(["conflict", "list"])]) {
    assert.equal(list.length, 1);
    assert.deepEqual([list[0].case, list[0].compartment, list[0].field], [id, "address", "street"]);
  }
  assert.deepEqual(anna.json(["conflicts", id, "--compartment", "main"]), []);
  same("address", [anna, bert, agency]);
  assert.equal(anna.json(["log", id, ...at]).length, 3);
  assert.equal(anna.json(["blame", id, address.record, ...at]).some((r) => r.field === "street"), true);
  assert.deepEqual(anna.json(["verify", id, ...at]).findings, []);
  assert.deepEqual(anna.json(["fsck"]).findings, []);
});

test("an address that comes later reaches who has the case, also when two founded a part", () => {
  const lone = anna.newCase();
  anna.sync();
  agency.json(["case", "assign", lone, ids.get(bert)]);
  until(bert, () => bert.run(["case", "show", lone]).code === 0);
  for (const [tablet, place] of [[anna, "Oost"], [bert, "West"]]) {
    const person = tablet.record(lone, "person");
    tablet.json(["record", "put", lone, "address", "--file", tablet.file("a.json",
      { fields: { persons: [person], whereabouts: "temporary", place } })]);
  }
  anna.sync();
  bert.sync();
  const both = (tablet) => gone(tablet, lone, "address") === 0 &&
    show(tablet, "address", lone).parts.length === 2;
  until(anna, () => both(anna));
  until(bert, () => both(bert));
  const shown = [show(anna, "address", lone), show(bert, "address", lone), show(agency, "address", lone)];
  for (const one of shown) assert.deepEqual(one, shown[0]);
  assert.deepEqual(shown[0].records.filter((r) => r.type === "address").map((r) => r.fields.place).sort(),
    ["Oost", "West"]);
  anna.refused(["log", lone, "--compartment", "address"], 2, "invalid");
  assert.equal(anna.json(["log", shown[0].parts[0]]).length, 1);
});

test("a secret address goes only to who is assigned it by name", () => {
  const secret = structuredClone(ADDRESSES);
  secret.records.at(-1).fields.secret = true;
  const zaak = anna.newCase(secret);
  anna.sync();
  agency.json(["case", "assign", zaak, ids.get(bert)]);
  until(bert, () => bert.run(["case", "show", zaak]).code === 0);
  bert.sync();
  assert.equal(gone(bert, zaak, "address"), 10);
  agency.json(["case", "assign", zaak, ids.get(carla), "--compartment", "address"]);
  until(carla, () => gone(carla, zaak, "address") === 0);
  assert.equal(gone(carla, zaak, "main"), 10);
  assert.deepEqual(show(carla, "address", zaak), show(agency, "address", zaak));
  assert.equal(carla.json(["case", "list"]).find((row) => row.case === zaak).title, null);
  assert.equal(gone(bert, zaak, "address"), 10);
});

test("an address that becomes secret is withdrawn, and what was changed meanwhile is kept", () => {
  const at = ["--compartment", "address"];
  const zaak = anna.newCase(ADDRESSES);
  anna.sync();
  agency.json(["case", "assign", zaak, ids.get(bert)]);
  agency.json(["case", "assign", zaak, ids.get(carla), ...at]);
  for (const tablet of [bert, carla]) until(tablet, () => gone(tablet, zaak, "address") === 0);
  const { record } = show(anna, "address", zaak).records.find((r) => r.type === "address");
  anna.json(["record", "set", zaak, record, 'street="Nieuwe Gracht 9"']);
  bert.json(["record", "set", zaak, record, "secret=true"]);
  assert.ok(anna.json(["blame", zaak, record]).some(({ value }) => value === "Nieuwe Gracht 9"));
  bert.sync();
  for (const tablet of [anna, bert]) {
    until(tablet, () => gone(tablet, zaak, "address") === 10 && tablet.json(["status"]).unsent === 0);
    assert.equal(tablet.json(["case", "list"]).find((row) => row.case === zaak).records, 3);
    assert.deepEqual(tablet.json(["fsck"]).findings, []);
  }
  for (const tablet of [anna, bert]) {
    assert.ok(tablet.errors.includes(`het deel address van zaak ${zaak} is van dit apparaat gehaald: ` +
      "wat erin staat is geheim geworden"), tablet.errors);
    tablet.refused(["record", "set", zaak, record, 'street="x"'], 10, "not-found");
  }
  const read = (who) => show(who, "address", zaak).records.find((r) => r.record === record).fields;
  until(carla, () => read(carla).secret === true && read(carla).street === "Nieuwe Gracht 9");
  assert.deepEqual(show(carla, "address", zaak), show(agency, "address", zaak));
  // What they learn of it later goes sealed to the agency, and from there to who has it.
  anna.json(["record", "put", zaak, "address", "--file", anna.file("w.json",
    { fields: { persons: [anna.record(zaak, "person")], whereabouts: "work", place: "Werkhaven" } })]);
  anna.sync();
  assert.equal(gone(anna, zaak, "address"), 10);
  until(carla, () => show(carla, "address", zaak).records.some((r) => r.fields.place === "Werkhaven"));
});

test("what a child said, and what lawyers wrote, goes only to who is assigned it by name", () => {
  const child = anna.record(id, "person");
  anna.json(["record", "put", id, "child-conversation", "--file", anna.file("c.json",
    { fields: { child, said: ["Ik slaap liever bij oma."], tellParents: "no" } })]);
  anna.json(["record", "put", id, "legal-note", "--file", anna.file("l.json",
    { fields: { kind: "advice", text: "Eerst de rechter.", about: [child] } })]);
  anna.sync();
  for (let i = 0; i < 3; i++) bert.sync();
  for (const name of ["child-talk", "legal"]) {
    assert.equal(gone(bert, id, name), 10);
    assert.equal(bert.json(["case", "show", id]).records.some((r) => r.fields.name === name), true);
    assert.deepEqual(show(anna, name), show(agency, name));
  }
  agency.json(["case", "assign", id, ids.get(bert), "--compartment", "child-talk"]);
  until(bert, () => gone(bert, id, "child-talk") === 0);
  same("child-talk", [anna, bert, agency]);
  assert.equal(gone(bert, id, "legal"), 10);
});

test("an address that was taken from who keeps the case is not given back by a change", () => {
  const at = ["--compartment", "address"];
  same("address", [bert, agency]);
  agency.json(["case", "unassign", id, ids.get(bert), ...at]);
  until(bert, () => gone(bert, id, "address") === 10);
  anna.json(["record", "set", id, address.record, 'street="Laan 4"', ...at]);
  anna.sync();
  for (let i = 0; i < 3; i++) bert.sync();
  assert.equal(gone(bert, id, "address"), 10);
  assert.equal(gone(bert, id, "main"), 0);
  agency.json(["case", "assign", id, ids.get(bert)]);
  until(bert, () => gone(bert, id, "address") === 0);
  same("address", [anna, bert, agency]);
});

test("names that are none, and parts that are not there, are told apart", () => {
  anna.refused(["case", "show", id, "--compartment", "adres"], 2, "invalid");
  anna.refused(["case", "show", id, "--compartment", "reporter"], 10, "not-found");
  assert.equal(agency.run(["case", "show", id, "--compartment", "reporter"]).code, 10);
  assert.equal(agency.run(["case", "assign", id, ids.get(bert), "--compartment", "reporter"]).code, 10);
  anna.refused(["record", "put", id, "address", "--compartment", "main", "--file",
    anna.file("b.json", { fields: {} })], 2, "invalid");
});
