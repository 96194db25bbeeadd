// The access log over the real programs: what a tablet looked up without network is asked for at the
// office, held against itself, and exported with a signature that others check.
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { createHash, createPublicKey, verify } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { Agency, ID, Tablet, dossier, until } from "./world.mjs";

const CANARY = "kanarie-4bb2-logregel";
const agency = new Agency();
let anna, caseId;

const query = (...words) => agency.json(["audit", "query", ...words]);

test("what a tablet looked up offline arrives, and nothing of what it said", async () => {
  agency.init();
  await agency.serve();
  anna = new Tablet(agency, "Anna");
  anna.enrol();
  caseId = anna.newCase(dossier("Gezin " + CANARY, CANARY));
  anna.json(["case", "show", caseId]);
  anna.json(["case", "list"]);
  anna.sync();
  const lines = await until("the lines arrive", () => {
    const found = query("--device", anna.device);
    return found.length >= 3 && found;
  });
  const kinds = lines.map((line) => [line.kind, line.EventActionCode, line.eventTypeCode]);
  assert.deepEqual(kinds.slice(0, 3), [["create", "C", "case new"], ["read", "R", "case show"],
    ["search", "R", "case list"]]);
  assert.deepEqual(lines.map((line) => line.number), lines.map((_, i) => i + 1));
  for (const line of lines) {
    assert.match(line.EventID, ID);
    assert.equal(line.userID, "Anna");
    assert.equal(line.networkAccessPointID, anna.device);
    assert.equal(line.EventOutcomeIndicator, 0);
  }
  assert.equal(lines[1].participantObjectID, caseId);
  assert.equal(lines[1].purposeOfUse, "held");
  assert.equal(lines[2].participantObjectID, null);
  assert.ok(!JSON.stringify(lines).includes(CANARY));
});

test("the office is in the log too, its looking into it as well", () => {
  agency.json(["case", "show", caseId]);
  agency.refused(["audit", "query", "--user", "niemand"], 10, "not-found");
  const own = query("--case", caseId, "--user", "operator");
  assert.deepEqual(own.map((line) => [line.kind, line.purposeOfUse]), [["read", "office"]]);
  assert.ok(query("--action", "audit").length >= 2);
  const [line] = own;
  assert.equal(query("--case", caseId, "--to", line.EventDateTime).filter(
    (other) => other.EventID === line.EventID).length, 0);
  assert.equal(query("--case", caseId, "--from", line.EventDateTime).filter(
    (other) => other.EventID === line.EventID).length, 1);
  agency.refused(["audit", "query", "--action", "gluren"], 2, "invalid");
  agency.refused(["audit", "query", "--from", "gisteren"], 2, "invalid");
});

test("a whole log is whole", () => {
  const proof = agency.json(["audit", "verify"]);
  assert.deepEqual(proof.faults, []);
  assert.equal(proof.chains, 2);
});

// The merger's key out of the agency's statement: CBOR, the second key of it after the root.
function mergerKey() {
  const statement = readFileSync(join(agency.dir, "relay", "statement"));
  const points = [];
  for (let at = 0; at + 67 <= statement.length; at++)
    if (statement[at] === 0x58 && statement[at + 1] === 0x41 && statement[at + 2] === 0x04)
      points.push(statement.subarray(at + 2, at + 67));
  const [, merger] = points;
  const b64 = (bytes) => bytes.toString("base64url");
  return createPublicKey({ format: "jwk",
    key: { kty: "EC", crv: "P-256", x: b64(merger.subarray(1, 33)), y: b64(merger.subarray(33)) } });
}

test("an export is checked without us", () => {
  const file = join(agency.parent, "inzage.jsonl");
  const done = agency.run(["audit", "export", "--file", file]);
  assert.equal(done.code, 0, done.out + done.err);
  assert.equal(done.out, "");
  const text = readFileSync(file, "utf8");
  assert.ok(!text.includes(CANARY));
  const lines = text.trimEnd().split("\n");
  const { statement } = JSON.parse(lines.pop());
  const [head, payload, signature] = statement.split(".");
  const header = JSON.parse(Buffer.from(head, "base64url"));
  assert.equal(header.alg, "ES256");
  assert.equal(header.typ, "veldkit-audit+jws");
  assert.ok(verify("sha256", Buffer.from(`${head}.${payload}`),
    { key: mergerKey(), dsaEncoding: "ieee-p1363" }, Buffer.from(signature, "base64url")));
  const stated = JSON.parse(Buffer.from(payload, "base64url"));
  assert.equal(stated.lines, lines.length);
  const covered = lines.map((line) => line + "\n").join("");
  assert.equal(stated.sha256, createHash("sha256").update(covered).digest("hex"));
  const own = stated.chains.find((chain) => chain.device === anna.device);
  const last = lines.map((line) => JSON.parse(line))
    .filter((line) => line.networkAccessPointID === anna.device).at(-1);
  assert.equal(own.head, last.hash);
  assert.equal(own.last, last.number);
  assert.equal(agency.run(["audit", "export", "--file", file]).code, 1); // it is there already
});

test("what a device could read at a moment", async () => {
  const before = new Date(Date.now() - 86400000).toISOString();
  assert.deepEqual(agency.json(["audit", "could-read", anna.device, "--at", before]), []);
  const now = await until("the founder was given the case", () => {
    const rows = agency.json(["audit", "could-read", "Anna", "--at",
      new Date(Date.now() + 1000).toISOString()]);
    return rows.length > 0 && rows;
  });
  assert.equal(now[0].case, caseId);
  assert.equal(now[0].sure, true);
});

// What each verb that opens cases leaves in the log, by the name of the verb: one line for each case
// that was shown or changed, and no other. A verb that is in no list fails the test.
const read = (...cases) => cases.map((id) => ["read", id]);
// The verbs that name a case or a choice.
const verbsOf = (who) => who.help([]).split("Opdrachten:\n")[1].split("\n\n")[0].split("\n")
  .map((line) => line.slice(2).match(/^(\S+(?: [a-z-]+)?)(?= {2,}| [a-z])/)[0].trim())
  .filter((verb) => /Gebruik: .*\b(ZAAK|KEUZE)\b/.test(who.help(verb.split(" "))));
const isInTable = (rows, who) => {
  const there = rows.map(([verb]) => verb);
  assert.deepEqual(verbsOf(who).filter((verb) => !there.includes(verb)), [],
    "a verb that opens cases and has no row here: say which lines it leaves");
};
const sorted = (lines) => lines.map((line) => line.join(" ")).sort();

// `rows`: verb, the words behind it, its lines. Each is run once, and once only.
async function eachVerb(rows, run, look) {
  const from = new Date().toISOString();
  for (const [verb, words] of rows)
    if (words) run([...verb.split(" "), ...words]);
  const lines = (await look()).filter((line) => line.EventDateTime >= from);
  for (const [verb, words, expected] of rows)
    if (words)
      assert.deepEqual(sorted(lines.filter((line) => line.eventTypeCode === verb)
        .map((line) => [line.kind, line.participantObjectID])), sorted(expected), verb);
}

const conflictId = {};
let partId, spareId, bea;

test("a case with a secret place in it and two open choices", async () => {
  const json = (name, value) => {
    const path = join(agency.parent, name);
    writeFileSync(path, JSON.stringify(value));
    return path;
  };
  const { record } = anna.json(["record", "put", caseId, "person", "--file",
    json("person.json", { fields: { name: "M. Bakker" } })]);
  anna.json(["record", "put", caseId, "address", "--file", json("address.json",
    { fields: { persons: [record], whereabouts: "home", place: "Nergenshuizen" } })]);
  bea = new Tablet(agency, "Bea");
  bea.enrol();
  await until("the office has both parts", () => {
    anna.sync();
    return anna.json(["status"]).unsent === 0;
  });
  agency.json(["case", "assign", caseId, bea.device]);
  await until("Bea has it", () => {
    bea.sync();
    return bea.json(["case", "list"]).length === 1;
  });
  const records = anna.json(["case", "show", caseId]).records;
  conflictId.note = records.find((r) => r.type === "note").record;
  conflictId.case = records.find((r) => r.type === "case").record;
  partId = anna.json(["case", "show", caseId, "--compartment", "address"]).parts[0];
  for (const [tablet, text, danger] of [[anna, "van Anna", true], [bea, "van Bea", false]]) {
    tablet.json(["record", "set", caseId, conflictId.note, `text="${text}"`]);
    tablet.json(["record", "set", caseId, conflictId.case, `acuteDanger=${danger}`]);
  }
  await until("both choices are open", () => {
    anna.sync();
    bea.sync();
    return agency.json(["conflict", "list"]).length === 2 && anna.json(["conflicts"]).length === 2;
  });
  for (const name of ["carla", "dirk"]) {
    writeFileSync(join(agency.parent, name), "839201\n");
    agency.json(["user", "add", name, "--role", "case_manager", "--pin-file",
      join(agency.parent, name)]);
  }
});

test("each verb of the tablet leaves the lines it should", async () => {
  const file = (name) => join(agency.parent, name);
  const [change] = anna.json(["log", caseId]);
  writeFileSync(file("p.json"), JSON.stringify({ fields: { name: "Nieuw" } }));
  writeFileSync(file("quick.txt"), "gezien bij de deur");
  for (const [mine, other] of [[anna, bea], [bea, anna]]) {
    const { card, code } = other.json(["card"]);
    writeFileSync(file("card"), card + "\n");
    mine.json(["card", "add", file("card"), "--yes", "--check", code]);
  }
  const beaCase = bea.newCase(dossier("Van Bea", "x"));
  bea.json(["bundle", "make", beaCase, "--to", anna.device, "--file", file("taken.vkb")]);
  const newCase = file("dossier.json");
  const made = {};
  const run = (words) => { made[words.slice(0, 2).join(" ")] = anna.json(words); };
  const rows = [
    ["pin change", ["--new-pin-file", anna.pin, "--quick-pin"], []],
    ["sync", ["--once"], []], ["receipts", [], []], ["status", [], []], ["card", [], []],
    ["card list", [], []], ["fsck", [], []],
    ["case list", [], [["search", null]]],
    ["case open", null], // an emergency: integration.sync.glass
    ["case compact", [caseId], read(caseId)],
    ["case history", [caseId], read(caseId)],
    ["case show", [caseId], read(caseId)],
    ["conflicts", [], [["search", null], ...read(caseId)]],
    ["record put", [caseId, "person", "--file", file("p.json")], [["write", caseId]]],
    ["record set", [caseId, conflictId.note, 'toldTo="de juf"'], [["write", caseId]]],
    ["record delete", [caseId, conflictId.note], [["write", caseId]]],
    ["record restore", [caseId, conflictId.note], [["write", caseId]]],
    ["record show", [caseId, conflictId.note], read(caseId)],
    ["log", [caseId, "--values"], read(caseId)],
    ["diff", [caseId, change.change, change.change], read(caseId)],
    ["blame", [caseId, conflictId.note], read(caseId)],
    ["verify", [caseId], read(caseId)],
    ["export", [caseId, file("uit")], [["export", caseId]]],
    ["bundle make", [caseId, "--to", bea.device, "--file", file("b.vkb")],
      [["transfer", caseId], ["transfer", partId]]],
    ["bundle take", [file("taken.vkb")], [["transfer", beaCase]]],
    ["note quick", ["--file", file("quick.txt")], () => [["write", made["note quick"].case]]],
    ["case new", ["--file", newCase], () => [["create", made["case new"].case]]],
  ];
  isInTable(rows, anna);
  await eachVerb(rows, run, async () => {
    rows.forEach((row) => { if (typeof row[2] === "function") row[2] = row[2](); });
    spareId = made["case new"].case;
    assert.ok(anna.json(["status"]).unsentLog > 10);
    anna.sync();
    assert.equal(anna.json(["status"]).unsentLog, 0);
    return until("the last line arrived", () => {
      const found = query("--device", anna.device);
      return found.some((line) => line.eventTypeCode === "case new" &&
        line.participantObjectID === made["case new"].case) && found;
    });
  });
});

test("each verb of the office leaves the lines it should", async () => {
  const as = (name) => ["--by", name, "--pin-file", join(agency.parent, name)];
  const both = agency.json(["conflict", "list"]);
  const plain = both.find((c) => c.field === "text").conflict;
  const two = both.find((c) => c.field === "acuteDanger").conflict;
  const give = "--take", because = ["--reason", "nagebeld"];
  await until("the new case came", () =>
    agency.json(["case", "list"]).some((row) => row.case === spareId));
  const at = ["--at", new Date().toISOString()];
  const rows = [
    ["audit query", null], // asked above
    ["status", [], []], ["device list", [], []], ["user list", [], []], ["profile", [], []],
    ["device invite", ["--worker", "Niemand"], []],
    ["device recovery", [bea.device], [["assign", null]]], // a key that opens her vault
    ["user add", ["eva", "--role", "reporting"], []],
    ["user role", ["eva", "--role", "auditor"], []],
    ["user disable", ["eva"], []],
    ["user enable", ["eva"], []],
    ["audit verify", [], [["audit", null]]],
    ["audit export", ["--file", join(agency.parent, "alles.jsonl")], [["audit", null]]],
    ["audit could-read", [bea.device, ...at], [["audit", null]]],
    ["case list", [], [["search", null]]],
    ["case show", [caseId], read(caseId)],
    ["conflict list", [], [["search", null], ...read(caseId)]],
    ["conflict show", [plain], read(caseId)],
    ["conflict explain", [caseId], read(caseId)],
    ["conflict assign", [plain, "--owner", "carla"], [["write", caseId]]],
    ["conflict resolve", [two, give, "value=false", ...because, ...as("carla")], [["write", caseId]]],
    ["conflict confirm", [two, ...as("dirk")], [["write", caseId]]],
    ["case unassign", [caseId, bea.device], [["withdraw", caseId], ["withdraw", partId]]],
    ["case assign", [caseId, bea.device], [["assign", caseId], ["assign", partId]]],
    ["device quarantine", [], []],
    ["device revoke", [bea.device], [["withdraw", caseId], ["withdraw", partId]]],
    ["verify", [caseId], read(caseId)], ["fsck", [], []],
    ["case erase", [spareId, ...because, "--confirm"], [["erase", spareId]]],
  ];
  isInTable(rows, agency);
  await eachVerb(rows, (words) => {
    const done = agency.run(words);
    assert.equal(done.code, 0, `${words.join(" ")}: ${done.out}${done.err}`);
  }, () => query("--user", "operator").concat(query("--user", "carla"), query("--user", "dirk")));
});

test("what was taken back could still be read until the tablet confirmed", async () => {
  const could = (who) => agency.json(["audit", "could-read", who.device, "--at",
    new Date(Date.now() + 1000).toISOString()]);
  const cases = (rows) => rows.map((row) => row.case).sort();
  const taken = could(bea); // revoked, after the cases were given twice: one row each, in doubt
  assert.deepEqual(cases(taken).filter((id) => [caseId, partId].includes(id)),
    [caseId, partId].sort());
  assert.equal(new Set(cases(taken)).size, taken.length);
  assert.ok(taken.every((row) => !row.sure && row.ordered !== null && !row.emergency));
  assert.equal(taken.find((row) => row.case === partId).compartment, "address");
  const now = could(anna);
  assert.equal(now.find((row) => row.case === caseId).sure, true);
  assert.equal(now.find((row) => row.case === spareId).sure, false); // erased, not confirmed
  await until("both confirm", () => {
    anna.run(["sync", "--once"]);
    bea.run(["sync", "--once"]);
    return could(bea).length === 0 && !cases(could(anna)).includes(spareId);
  });
  const before = agency.json(["audit", "could-read", anna.device, "--at", now[0].since]);
  assert.ok(before.length > 0 && before.every((row) => row.sure));
});

test("lines are asked for by dossier, by part and of several cases", () => {
  const cases = (...words) => [...new Set(query("--case", ...words)
    .map((line) => line.participantObjectID))].sort();
  assert.deepEqual(cases(caseId), [caseId, partId].sort());
  assert.deepEqual(cases(caseId, "--compartment", "address"), [partId]);
  assert.deepEqual(cases(`${caseId},${spareId}`), [caseId, partId, spareId].sort()); // one is erased
  agency.refused(["audit", "query", "--case", `${caseId},x`], 2, "invalid");
  agency.refused(["audit", "query", "--case", `${caseId},`], 2, "invalid");
});

test("a line that was taken out is missed, and said where", async () => {
  await agency.stop();
  const script = "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]);" +
    "c.execute('DELETE FROM access WHERE number = 2'); c.commit(); c.close()";
  const done = spawnSync("python3", ["-c", script, join(agency.dir, "merger", "store.db")]);
  assert.equal(done.status, 0, String(done.stderr));
  const proof = agency.run(["audit", "verify", "--json"]);
  assert.equal(proof.code, 8, proof.out + proof.err);
  const { faults } = JSON.parse(proof.out);
  assert.ok(faults.some((fault) => fault.device === anna.device && fault.fault === "gap" &&
    fault.number === 2 && fault.until === 2));
});

test("no file of either side says what was looked up", () => {
  for (const folder of [anna.home, join(agency.dir, "merger"), join(agency.dir, "relay")])
    for (const name of readdirSync(folder)) {
      if (name.endsWith("sock") || name === "socket") continue;
      const bytes = readFileSync(join(folder, name));
      assert.ok(!bytes.includes("case show"), name);
      assert.ok(!bytes.includes(CANARY), name);
    }
});
