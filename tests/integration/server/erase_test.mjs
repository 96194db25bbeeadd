// The end of a case: destroyed at the office, at the relay and on the tablet; a signed stub remains,
// the log still proves itself, and what comes late is not taken.
import { strict as assert } from "node:assert";
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import test from "node:test";

import { Agency, serverProgram, Tablet, dossier, pause, until } from "./world.mjs";

const CANARY = "kanarie-e7a1-wissen";
const PART_CANARY = "kanarie-77c0-deel";
const agency = new Agency();
let anna, bea, caseId, otherId, ofCase;

const files = () => [anna.home, bea.home, join(agency.dir, "merger"), join(agency.dir, "relay")]
  .filter(existsSync)
  .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
  .filter((path) => !path.endsWith("sock") && !path.endsWith("socket"));

// Everything sealed that is of a case: rows, wrapped keys, what the relay carried; as hex. Two pieces
// of each are looked for later, for a long one does not lie in one piece.
const tables = { merger: ["store.db", ["case_keys.body", "changes.body", "outbox.body"]],
  relay: ["journal.db", ["item.bytes"]], tablet: ["store.db", ["case_keys.body", "changes.body"]] };
const dump = "import sqlite3, sys\n" +
  "c = sqlite3.connect('file:' + sys.argv[1] + '?mode=ro', uri=True)\n" +
  "for name in sys.argv[2:]:\n" +
  "  table, column = name.split('.')\n" +
  "  where = ' WHERE kind IN (3, 4)' if table == 'item' else ''\n" +
  "  for (body,) in c.execute('SELECT ' + column + ' FROM ' + table + where):\n" +
  "    if len(body) > 64: print(body[:40].hex()); print(body[-40:].hex())\n";
function sealedRows() {
  const stores = [[join(agency.dir, "merger"), tables.merger], [join(agency.dir, "relay"),
    tables.relay], [anna.home, tables.tablet], [bea.home, tables.tablet]];
  return new Set(stores.flatMap(([folder, [file, names]]) => {
    const done = spawnSync("python3", ["-c", dump, join(folder, file), ...names],
      { encoding: "utf8" });
    assert.equal(done.status, 0, done.stderr);
    return done.stdout.split("\n").filter((line) => line !== "");
  }));
}
const sizeOf = (name) => readFileSync(join(agency.dir, "relay", name)).length;

test("two tablets and the office have a case, and another one", async () => {
  agency.init();
  await agency.serve();
  anna = new Tablet(agency, "Anna");
  bea = new Tablet(agency, "Bea");
  anna.enrol();
  bea.enrol();
  otherId = anna.newCase(dossier("Blijft", "dit blijft"));
  anna.sync();
  await until("the other one arrives", () => agency.json(["case", "list"]).length === 1);
  await agency.stop();
  const before = sealedRows();
  await agency.serve(["--listen", agency.url.replace("https://", "")]);
  caseId = anna.newCase(dossier("Te wissen " + CANARY, CANARY + " ".repeat(9000) + "eind"));
  anna.sync();
  await until("both arrive", () => agency.json(["case", "list"]).length === 2);
  agency.json(["case", "assign", caseId, bea.device]);
  await until("Bea has it", () => {
    bea.sync();
    return bea.json(["case", "list"]).length === 1;
  });
  await agency.stop();
  ofCase = [...sealedRows()].filter((row) => !before.has(row));
  assert.ok(ofCase.length > 12); // rows and keys of three stores, items of the relay
  await agency.serve(["--listen", agency.url.replace("https://", "")]);
});

test("it is erased, with a ground that stays", async () => {
  assert.equal(agency.run(["case", "erase", caseId]).code, 2); // no ground
  const asked = agency.run(["case", "erase", caseId, "--reason", "bewaartermijn voorbij", "--json"]);
  assert.equal(asked.code, 4); // what would go, and nothing is gone
  const { erased, would } = JSON.parse(asked.out);
  assert.equal(erased, false);
  assert.deepEqual(would.map((row) => [row.case, row.compartment]), [[caseId, "main"]]);
  assert.deepEqual(would[0].devices.sort(), [anna.device, bea.device].sort());
  assert.equal(agency.json(["case", "list"]).length, 2);
  const done = agency.json(["case", "erase", caseId, "--reason", "bewaartermijn voorbij",
    "--confirm"]);
  assert.equal(done.case, caseId);
  assert.deepEqual(done.orders.map((order) => order.confirmed), [false, false]);
  assert.ok(new Date(done.keysGone) - Date.now() > 29 * 86400000);
  const stub = JSON.parse(Buffer.from(done.stub.split(".")[1], "base64url"));
  assert.equal(stub.ground, "bewaartermijn voorbij");
  assert.equal(stub.by, "operator");
  assert.ok(stub.changes.length > 0);
  assert.ok(!JSON.stringify(stub).includes(CANARY));
  assert.deepEqual(agency.json(["case", "list"]).map((row) => row.case), [otherId]);
  agency.refused(["case", "show", caseId], 10, "not-found");
  const [line] = agency.json(["audit", "query", "--case", caseId, "--action", "erase"]);
  assert.equal(line.reason, "bewaartermijn voorbij");
  assert.equal(line.EventActionCode, "D");
});

test("an unsent note of it is handed in and kept for a person, closed; the tablets confirm", async () => {
  const note = join(agency.parent, "note.json");
  writeFileSync(note, JSON.stringify({ fields: { kind: "fact", text: "te laat " + CANARY } }));
  bea.json(["record", "put", caseId, "note", "--file", note]);
  await until("both confirm", () => {
    anna.run(["sync", "--once"]);
    bea.run(["sync", "--once"]);
    const { orders } = agency.json(["case", "erase", caseId, "--reason", "x"]);
    return orders.every((order) => order.confirmed);
  }, 60000);
  assert.deepEqual(anna.json(["case", "list"]).map((row) => row.case), [otherId]);
  assert.deepEqual(bea.json(["case", "list"]), []);
  const late = await until("the late note is counted", () =>
    agency.json(["case", "erase", caseId, "--reason", "x"]).late);
  assert.equal(late, 1);
  agency.refused(["case", "show", caseId], 10, "not-found");
  const [kept, ...more] = agency.json(["device", "quarantine"]);
  assert.deepEqual(more, []);
  assert.deepEqual([kept.case, kept.device, kept.reason], [caseId, bea.device, "erased"]);
  const shown = agency.json(["device", "quarantine", "show", kept.change]);
  assert.deepEqual([shown.readable, shown.writes], [false, []]);
  agency.refused(["device", "quarantine", "admit", kept.change, "--reason", "x"], 9, "not-allowed");
  agency.json(["device", "quarantine", "refuse", kept.change, "--reason", "niet meer te lezen"]);
  assert.deepEqual(agency.json(["device", "quarantine"]), []);
});

test("who checks is told that it is erased, on both sides", () => {
  const proof = agency.json(["verify", caseId]);
  assert.deepEqual([proof.by, proof.ground, proof.findings], ["operator", "bewaartermijn voorbij", []]);
  const all = agency.json(["fsck"]);
  assert.deepEqual([all.cases, all.erased, all.findings], [1, 1, []]);
  for (const tablet of [anna, bea]) {
    const there = tablet.json(["verify", caseId]);
    assert.equal(there.case, caseId);
    assert.ok(Date.now() - new Date(there.erased) < 600000);
    assert.deepEqual(there.findings, []);
    assert.deepEqual([tablet.json(["fsck"]).erased, tablet.json(["fsck"]).findings], [1, []]);
    tablet.refused(["case", "show", caseId], 10, "not-found");
    assert.equal(tablet.json(["status"]).unsent, 0);
  }
  agency.refused(["verify", "00000000-0000-4000-8000-000000000001"], 10, "not-found");
});

// A case in which one note is not to be: with an address, a status that went its way, and a tablet
// that has both.
test("a part is erased by founding the case anew without it", async () => {
  const file = (name, value) => {
    const path = join(agency.parent, name);
    writeFileSync(path, JSON.stringify(value));
    return path;
  };
  const old = anna.newCase({ records: [
    { type: "case", fields: { title: "Gezin Anders" } },
    { type: "person", ref: "m", fields: { name: "M. Bakker", roles: ["victim"] } },
    { type: "note", ref: "weg", fields: { kind: "fact", text: "over een ander " + PART_CANARY } },
    { type: "note", fields: { kind: "fact", text: "blijft", about: ["#m"] } },
    { type: "address", fields: { persons: ["#m"], whereabouts: "home", place: "Hier" } }] });
  const before = anna.json(["case", "show", old]).records;
  const weg = before.find((r) => (r.fields.text ?? "").startsWith("over een ander")).record;
  const status = before.find((r) => r.type === "case").record;
  for (const step of ["decided", "closed"])
    anna.json(["record", "set", old, status, `phase="${step}"`]);
  await until("the office has it", () => {
    anna.sync();
    return anna.json(["status"]).unsent === 0;
  });
  agency.json(["case", "assign", old, bea.device]);
  const erase = ["case", "erase", old, "--part", weg, "--reason", "recht op wissing"];
  const asked = agency.run([...erase, "--json"]);
  assert.equal(asked.code, 4);
  assert.deepEqual(JSON.parse(asked.out).would.map((row) => row.compartment).sort(),
    ["address", "main"]);
  agency.refused(["case", "erase", old, "--part", "00000000", "--reason", "x", "--confirm"], 10,
    "not-found");
  const shown = agency.json(["case", "show", old]).records;
  const done = agency.json([...erase, "--confirm"]);
  assert.equal(done.case, old);
  const stub = JSON.parse(Buffer.from(done.stub.split(".")[1], "base64url"));
  assert.deepEqual([stub.anew, stub.left, stub.ground, stub.by, stub.compartment],
    [done.anew, [weg], "recht op wissing", "operator", "main"]);
  const plain = (records) => records.filter((r) => r.record !== weg && r.type !== "compartment")
    .map((r) => [r.type, r.record, r.fields]);
  assert.deepEqual(plain(agency.json(["case", "show", done.anew]).records), plain(shown));
  agency.refused(["case", "show", old], 10, "not-found");
  const part = agency.json(["case", "show", done.anew, "--compartment", "address"]);
  assert.equal(part.records.find((r) => r.type === "address").fields.place, "Hier");
  await until("both tablets have the new one and not the old", () => {
    anna.run(["sync", "--once"]);
    bea.run(["sync", "--once"]);
    return [anna, bea].every((tablet) => tablet.json(["case", "list"])
      .some((row) => row.case === done.anew) && tablet.run(["case", "show", old]).code === 10);
  });
  for (const who of [agency, anna, bea]) {
    const proof = who.json(["verify", old]);
    assert.deepEqual(proof.findings, []);
    assert.deepEqual(who.json(["verify", done.anew]).findings, []);
    assert.deepEqual(who.json(["fsck"]).findings, []);
  }
  assert.equal(agency.json(["verify", old]).anew, done.anew);
  assert.equal(bea.json(["case", "show", done.anew]).stateId,
    agency.json(["case", "show", done.anew]).stateId);
  anna.json(["record", "set", done.anew, status, 'title="Gezin Verder"']);
  await until("it arrives", () => {
    anna.sync();
    return agency.json(["case", "show", done.anew]).records
      .find((r) => r.type === "case").fields.title === "Gezin Verder";
  });
  // Of another compartment only that goes on anew, in the same dossier.
  const place = part.records.find((r) => r.type === "address").record;
  anna.json(["record", "put", done.anew, "address", "--file", file("twee.json",
    { fields: { persons: [before.find((r) => r.type === "person").record], whereabouts: "family",
      place: "Daar " + PART_CANARY } })]);
  await until("it arrives", () => {
    anna.sync();
    return agency.json(["case", "show", done.anew, "--compartment", "address"]).records.length > 2;
  });
  const daar = agency.json(["case", "show", done.anew, "--compartment", "address"]).records
    .find((r) => (r.fields.place ?? "").startsWith("Daar")).record;
  const again = agency.json(["case", "erase", done.anew, "--compartment", "address", "--part", daar,
    "--reason", "x", "--confirm"]);
  assert.notEqual(again.case, done.anew);
  const rest = agency.json(["case", "show", done.anew, "--compartment", "address"]);
  assert.deepEqual(rest.parts, [again.anew]);
  assert.deepEqual(rest.records.filter((r) => r.type === "address").map((r) => r.record), [place]);
  assert.deepEqual(agency.json(["fsck"]).findings, []);
  await until("the tablets follow", () => {
    anna.run(["sync", "--once"]);
    bea.run(["sync", "--once"]);
    return [anna, bea].every((tablet) => {
      const seen = tablet.run(["case", "show", done.anew, "--compartment", "address"]);
      return seen.code === 0 && !seen.out.includes(PART_CANARY) && seen.out.includes("Hier");
    });
  });
  assert.ok(agency.json(["audit", "query", "--case", old]).some((line) => line.kind === "erase"));
});

test("the rest goes on, and both logs prove themselves", async () => {
  assert.deepEqual(agency.json(["audit", "verify"]).faults.filter((f) => f.fault !== "gap"), []);
  const before = agency.json(["case", "show", otherId]).stateId;
  assert.equal(anna.json(["case", "show", otherId]).stateId, before);
  const cor = new Tablet(agency, "Cor");
  cor.enrol();
  agency.json(["case", "assign", otherId, cor.device]);
  await until("Cor has the other case", () => {
    cor.sync(); // checks that the relay's log goes on from the one seen before
    return cor.json(["case", "list"]).length === 1;
  });
});

test("after a restart nothing of it is in any file", async () => {
  await agency.stop();
  const left = files().map((path) => [path, readFileSync(path)]);
  for (const row of ofCase) {
    const bytes = Buffer.from(row, "hex");
    assert.deepEqual(left.filter(([, content]) => content.includes(bytes)).map(([path]) => path), []);
  }
  for (const path of files())
    for (const canary of [CANARY, PART_CANARY])
      assert.ok(!readFileSync(path).includes(canary), path);
  await agency.serve();
  agency.refused(["case", "show", caseId], 10, "not-found");
  assert.equal(agency.json(["case", "erase", caseId, "--reason", "x"]).case, caseId);
  await pause(1000); // the merger hears nothing of it again
  agency.refused(["case", "show", caseId], 10, "not-found");
  assert.ok(sizeOf("journal.db") > 0);
  await agency.stop();
});

// VELD_KILL_STRIDE=1 tries every call; unset, a part of them.
test("killed anywhere, a case is whole, or erased as soon as somebody looks", (t) => {
  if (spawnSync("strace", ["-o", "/dev/null", "true"]).status !== 0)
    return t.skip("strace is not installed or not allowed");
  const stride = Number(process.env.VELD_KILL_STRIDE ?? 23);
  const env = { ...process.env,
    ASAN_OPTIONS: (process.env.ASAN_OPTIONS ?? "") + ":detect_leaks=0" };
  const kept = join(agency.parent, "kept");
  cpSync(agency.dir, kept, { recursive: true });
  const whole = agency.json(["case", "show", otherId]);
  const note = whole.records.find((r) => r.type === "note").record;
  const seen = { whole: 0, erased: 0 };
  for (const part of [[], ["--part", note]]) {
    for (const call of ["pwrite64", "fdatasync", "ftruncate"]) {
      for (let n = 1 + (seen.whole + seen.erased) % stride; ; n += stride) {
        rmSync(agency.dir, { recursive: true });
        cpSync(kept, agency.dir, { recursive: true });
        const killed = spawnSync("strace", ["-f", "-qq", "-o", "/dev/null", "-e", `trace=${call}`,
          "-e", `inject=${call}:signal=SIGKILL:when=${n}`, serverProgram, "case", "erase", "--dir",
          agency.dir, otherId, ...part, "--reason", "x", "--confirm"], { env });
        if (killed.signal !== "SIGKILL" && killed.status !== 137) {
          assert.equal(killed.status, 0, `${call} ${n}: ${killed.stderr}`);
          break;
        }
        const where = `${call} ${n} ${part.join(" ")}`;
        assert.deepEqual(agency.json(["fsck"]).findings, [], where);
        const shown = agency.run(["case", "show", otherId, "--json"]);
        if (shown.code === 0) {
          assert.equal(shown.out, JSON.stringify(whole) + "\n", where);
          seen.whole++;
          continue;
        }
        seen.erased++;
        const { anew } = agency.json(["case", "erase", otherId, "--reason", "x"]);
        assert.equal(anew !== undefined, part.length > 0, where);
        if (anew)
          assert.equal(agency.json(["case", "show", anew]).records.length, whole.records.length - 1);
      }
    }
  }
  t.diagnostic(JSON.stringify(seen));
  assert.ok(seen.whole > 0 && seen.erased > 0);
});
