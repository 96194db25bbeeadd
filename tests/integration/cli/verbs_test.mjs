// Every verb does what it promises, with --json exactly as promised and without it in Dutch.
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { DOSSIER, HASH, ID, INSTANT, World, members } from "./world.mjs";

const world = new World();
let id, person, note, first, second;

test("init makes a vault and says that its keystore is weak", () => {
  const done = world.run(["init", "--local", "--quick-pin", "--name", "A. de Vries", "--json"]);
  assert.equal(done.code, 0, done.err);
  members(JSON.parse(done.out), ["device", "keystore", "worker"]);
  assert.match(done.err, /gewoon bestand/);
  assert.equal(world.run(["init", "--local"]).code, 1); // once only
});

test("case new, list and show", () => {
  assert.deepEqual(world.json(["case", "list"]), []);
  const made = world.json(["case", "new", "--file", world.file("dossier.json", DOSSIER)]);
  members(made, ["case"]);
  id = made.case;
  assert.match(id, ID);
  assert.deepEqual(world.json(["case", "list"]),
    [{ case: id, title: "Meldpunt Dorpsstraat", records: 3, unsent: 1 }]);

  const shown = world.json(["case", "show", id]);
  members(shown, ["case", "stateId", "records"]);
  assert.equal(shown.case, id);
  assert.match(shown.stateId, HASH);
  assert.deepEqual(shown.records.map((record) => record.type), ["case", "note", "person"]);
  for (const record of shown.records) {
    members(record, ["record", "type", "fields", "conflicts"]);
    assert.match(record.record, ID);
    assert.deepEqual(record.conflicts, []);
  }
  note = shown.records[1].record;
  person = shown.records[2].record;
  assert.deepEqual(shown.records[2].fields, { name: "M. Bakker", roles: ["victim"] });
  assert.deepEqual(shown.records[1].fields.about, [person]);
  assert.deepEqual(world.json(["case", "show", id.slice(0, 13)]), shown);
  const text = world.run(["case", "show", id]).out;
  assert.match(text, /Naam: M\. Bakker/);
  assert.match(text, /: Slachtoffer/); // a choice by its label, also in a set
});

test("case new reads standard input", () => {
  const other = new World();
  other.init();
  const done = other.run(["case", "new", "--file", "-", "--json"], { input: JSON.stringify(DOSSIER) });
  assert.equal(done.code, 0, done.out);
  const made = JSON.parse(done.out).case;
  assert.match(made, ID);
  assert.match(other.run(["verify", made]).out, /^1 wijziging: 1 handtekening en 1 stand kloppen\./);
  assert.match(other.run(["fsck"]).out, /^1 zaak, 1 wijziging: 1 handtekening klopt\./);
  // People are told the number of a new record too: without it they cannot go on.
  const told = other.run(["record", "put", made, "person", "--file", other.file("record.json",
    { fields: { name: "Tante" } })]).out.match(/^Onderdeel (.+)$/m)[1];
  assert.equal(other.json(["record", "show", made, told]).fields.name, "Tante");
});

test("record put, set, show and delete", () => {
  const put = world.json(["record", "put", id, "person", "--file",
    world.file("record.json", { fields: { name: "Kind", birthDate: "2019-03-01" } })]);
  members(put, ["record", "change"]);
  first = put.change;
  const set = world.json(["record", "set", id, put.record, "-"],
    { input: 'name="Kind Bakker"\r\n\nbirthDate=null\n' });
  members(set, ["change"]);
  assert.match(set.change, HASH);
  second = set.change;
  const shown = world.json(["record", "show", id, put.record]);
  members(shown, ["record", "type", "fields", "conflicts"]);
  assert.equal(shown.fields.name, "Kind Bakker");
  assert.equal(shown.fields.birthDate ?? null, null);
  assert.deepEqual(world.json(["record", "set", id, put.record, 'name="Kind Bakker"']),
    { change: null });

  members(world.json(["record", "delete", id, put.record]), ["change"]);
  assert.equal(world.json(["record", "show", id, put.record]).removed, true);
  assert.deepEqual(world.json(["record", "delete", id, put.record]), { change: null });
  assert.ok(!world.json(["case", "show", id]).records.some((r) => r.record === put.record));

  members(world.json(["record", "restore", id, put.record]), ["change"]);
  assert.equal(world.json(["record", "show", id, put.record]).removed ?? false, false);
  assert.deepEqual(world.json(["record", "restore", id, put.record]), { change: null });
  world.json(["record", "delete", id, put.record]);
});

test("record set takes a set as a whole", () => {
  const about = () => world.json(["record", "show", id, note]).fields.about ?? [];
  const other = world.json(["record", "put", id, "person", "--file",
    world.file("record.json", { fields: { name: "Oom" } })]).record;
  world.json(["record", "set", id, note, `about=["${other}","${person}"]`]);
  assert.deepEqual(about(), [person, other].sort());
  world.json(["record", "set", id, note, `about=["${other}"]`]);
  assert.deepEqual(about(), [other]);
});

test("record types says what can be filled in, without a vault", () => {
  const nowhere = { pin: false, home: "/nonexistent" };
  const all = world.json(["record", "types"], nowhere);
  assert.ok(all.length >= 38);
  for (const type of all)
    members(type, ["byProgram", "compartment", "fields", "note", "title", "type"]);
  const [schema] = world.json(["record", "types", "note"], nowhere);
  assert.deepEqual(schema, all.find(({ type }) => type === "note"));
  assert.deepEqual(schema.fields.find(({ name }) => name === "kind").choices[0],
    { label: "Feit", value: "fact" });
  assert.match(world.run(["record", "types"], nowhere).out, /^note +Notitie$/m);
  const told = world.run(["record", "types", "note"], nowhere).out;
  assert.match(told, /^ {2}kind +Soort: een van deze keuzen\n {6}fact +Feit$/m);
  assert.match(told, /^ {2}text +Tekst: tekst, 1 tot 20000 tekens; verplicht$/m);
  assert.match(told, /^ {2}about +Over: nummer van een onderdeel Persoon; een lijst/m);
  // What is not known is answered with what is.
  const file = world.file("record.json", { fields: { text: "x" } });
  const detail = (...words) => world.refused(words, 2, "invalid").detail;
  assert.match(detail("record", "types", "notitie"), /bedoel je: legal-note, note\?/);
  assert.match(detail("record", "put", id, "nota", "--file", file), /bedoel je: note\? \(record types/);
  assert.match(detail("record", "set", id, person, "naam=\"B\""), /bedoel je: name\?/);
  assert.match(detail("record", "set", id, note, "kleur=1"), /wel: .*text.*record types/);
  assert.match(detail("record", "set", id, person, "sex=\"vrouw\""),
    /een van deze keuzen: female, male, other, unknown \(zie record types\)/);
});

test("log, newest first, with values only when asked", () => {
  const log = world.json(["log", id]);
  assert.equal(log.length, 9);
  for (const change of log) {
    members(change,
      ["change", "number", "device", "worker", "time", "clock", "received", "serverTime", "skewed",
        "parents",
        "writes"]);
    assert.match(change.change, HASH);
    assert.match(change.time, INSTANT);
    assert.equal(change.worker, "A. de Vries");
    for (const write of change.writes) members(write, ["record", "type", "field"]);
  }
  assert.deepEqual(log.map((change) => change.number), [9, 8, 7, 6, 5, 4, 3, 2, 1]);
  assert.deepEqual(log.map((change) => change.parents),
    [...log.slice(1).map((change) => [change.change]), []]);
  const writes = world.json(["log", id, "--values"])[0].writes;
  members(writes[0], ["record", "type", "field", "value"]);
  const told = world.run(["log", id, "--values"]).out;
  assert.match(told, /^ {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d, A\. de Vries$/m);
  assert.match(told, new RegExp(`^  Persoon ${person}: Naam = M\\. Bakker$`, "m"));
  assert.match(told, /: Rol in de zaak = Slachtoffer$/m);
  assert.match(told, /: Weggehaald = ja$/m);
  assert.doesNotMatch(told, /victim|birthDate|@removed|\dT\d/);
});

test("diff of two changes", () => {
  const diff = world.json(["diff", id, first.slice(0, 12), second]);
  for (const row of diff) members(row, ["record", "type", "field", "before", "after"]);
  assert.deepEqual(diff.map(({ field, before, after }) => [field, before, after]),
    [["birthDate", "2019-03-01", null], ["name", "Kind", "Kind Bakker"]]);
  assert.deepEqual(world.json(["diff", id, first, first]), []);
  assert.match(world.run(["diff", id, first, second]).out,
    /^Persoon [0-9a-f-]{36}: Geboortedatum\n {2}- 2019-03-01\n {2}\+ \(leeg\)$/m);
});

test("blame of a record", () => {
  const blame = world.json(["blame", id, person]);
  for (const row of blame)
    members(row, ["field", "value", "change", "number", "device", "worker", "time", "clock",
      "received", "serverTime", "skewed"]);
  assert.deepEqual(blame.filter((row) => row.field === "name").map((row) => row.value), ["M. Bakker"]);
  assert.match(world.run(["blame", id, person]).out, /^[0-9a-f]{12} {2}[^:]+: Slachtoffer {2}\(\d{4}-\d\d-\d\d /m);
});

test("conflicts: none yet", () => {
  assert.deepEqual(world.json(["conflicts"]), []);
  assert.deepEqual(world.json(["conflicts", id]), []);
});

test("verify, fsck and status", () => {
  const proof = world.json(["verify", id]);
  members(proof, ["case", "changes", "signatures", "trees", "partial", "findings"]);
  assert.deepEqual([proof.changes, proof.signatures, proof.trees, proof.findings], [9, 9, 9, []]);
  const report = world.json(["fsck"]);
  members(report,
    ["cases", "changes", "damaged", "drafts", "erased", "findings", "signatures", "unsent"]);
  assert.deepEqual([report.cases, report.changes, report.damaged, report.findings], [1, 9, 0, []]);
  const status = world.json(["status"]);
  members(status,
    ["agency", "cases", "changes", "device", "inReview", "keystore", "lastContact", "oldestUnsent", "owner",
      "received", "revoked", "server", "unsent", "unsentLog", "worker"]);
  assert.deepEqual([status.cases, status.changes, status.unsent, status.owner, status.server],
    [1, 9, 9, null, null]);
  assert.deepEqual([status.agency, status.lastContact, status.received], [null, null, 0]);
  assert.match(status.oldestUnsent, INSTANT);
  assert.match(world.run(["status"]).out, /^Niet alles is veilig: 9 wijzigingen/);
});

test("cards are taken in after their code was compared", () => {
  const other = new World();
  const device = other.init("B. Jansen").device;
  const card = other.json(["card"]);
  members(card, ["card", "code", "device", "name"]);
  assert.equal(card.device, device);
  assert.equal(other.run(["card"]).out, card.card + "\n");
  const path = world.file("card.txt", card.card + "\n");
  world.refused(["card", "add", path, "--yes"], 2, "invalid");
  assert.equal(world.refused(["card", "add", path, "--yes", "--check", "0000-0000-0000"], 8,
    "forged").text, "De controlecode klopt niet.");
  world.refused(["card", "add", path], 9, "not-allowed");
  assert.deepEqual(world.json(["card", "list"]), []);
  const added = world.json(["card", "add", path, "--yes", "--check", card.code]);
  assert.deepEqual(added, { added: true, code: card.code, device, name: "B. Jansen" });
  assert.equal(world.json(["card", "add", "-"], { input: card.card }).added, false);
  assert.deepEqual(world.json(["card", "list"]), [{ code: card.code, device, name: "B. Jansen" }]);
  other.refused(["card", "add", path, "--yes", "--check", card.code], 2, "invalid");
});

test("the passphrase comes from a command too, never from an argument", () => {
  const done = world.run(["--pin-command", `cat ${world.pin}`, "status", "--json"], { pin: false });
  assert.equal(done.code, 0, done.out);
  world.refused(["--pin-command", "false", "status"], 5, "locked", { pin: false });
  world.refused(["--pin-command", "true", "status"], 2, "invalid");
});

test("help of every verb begins with examples, and needs no vault", () => {
  const all = world.run(["--help"], { pin: false, home: "/nonexistent" });
  assert.equal(all.code, 0);
  assert.match(all.out, /^Voorbeelden:/);
  const verbs = [...all.out.matchAll(/^ {2}([a-z]+(?: [a-z]+)?) {2,}/gm)].map((match) => match[1]);
  assert.ok(verbs.length >= 20, verbs.join());
  for (const verb of verbs) {
    const help = world.run([...verb.split(" "), "--help"], { pin: false });
    assert.equal(help.code, 0, verb);
    assert.match(help.out, /Voorbeelden:[^]*Gebruik:[^]*--json/, verb);
  }
  const nowhere = { pin: false, home: "/nonexistent" };
  assert.deepEqual(world.run(["help"], nowhere), all);
  assert.equal(world.run(["help", "record", "set"], nowhere).out,
    world.run(["record", "set", "--help"], nowhere).out);
  world.refused(["help", "vlieg"], 2, "invalid", nowhere);
  assert.match(world.run(["--version"], { pin: false }).out, /^veldkit \d+\.\d+\.\d+\n$/);
});

test("fsck misses what was taken out of the outbox", () => {
  assert.deepEqual(world.json(["fsck"]).findings, []);
  const script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);" +
    "c.execute('DELETE FROM outbox WHERE seq = (SELECT max(seq) FROM outbox)'); c.commit(); c.close()";
  const done = spawnSync("python3", ["-c", script, join(world.home, "store.db")]);
  assert.equal(done.status, 0, String(done.stderr));
  const report = world.run(["fsck", "--json"]);
  assert.equal(report.code, 8, report.out);
  const { findings } = JSON.parse(report.out);
  assert.equal(findings.length, 1);
  assert.match(findings[0].text, /^wijziging [0-9a-f]{64} is nooit door kantoor overgenomen en staat niet klaar/);
});
