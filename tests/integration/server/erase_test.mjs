// The end of a case: destroyed at the office, at the relay and on the tablet; a signed stub remains,
// the log still proves itself, and what comes late is not taken.
import { strict as assert } from "node:assert";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { Agency, Tablet, dossier, pause, until } from "./world.mjs";

const CANARY = "kanarie-e7a1-wissen";
const agency = new Agency();
let anna, bea, caseId, otherId;

const files = () => [anna.home, bea.home, join(agency.dir, "merger"), join(agency.dir, "relay")]
  .filter(existsSync)
  .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
  .filter((path) => !path.endsWith("sock") && !path.endsWith("socket"));
const sizeOf = (name) => readFileSync(join(agency.dir, "relay", name)).length;

test("two tablets and the office have a case, and another one", async () => {
  agency.init();
  await agency.serve();
  anna = new Tablet(agency, "Anna");
  bea = new Tablet(agency, "Bea");
  anna.enrol();
  bea.enrol();
  caseId = anna.newCase(dossier("Te wissen " + CANARY, CANARY + " ".repeat(9000) + "eind"));
  otherId = anna.newCase(dossier("Blijft", "dit blijft"));
  anna.sync();
  await until("both arrive", () => agency.json(["case", "list"]).length === 2);
  agency.json(["case", "assign", caseId, bea.device]);
  await until("Bea has it", () => {
    bea.sync();
    return bea.json(["case", "list"]).length === 1;
  });
});

test("it is erased, with a ground that stays", async () => {
  assert.equal(agency.run(["case", "erase", caseId]).code, 2); // no ground
  const done = agency.json(["case", "erase", caseId, "--reason", "bewaartermijn voorbij"]);
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

test("an unsent note of it is handed in and not taken; the tablets confirm", async () => {
  const note = join(agency.parent, "note.json");
  const { writeFileSync } = await import("node:fs");
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
  assert.ok(late >= 1);
  agency.refused(["case", "show", caseId], 10, "not-found");
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
  for (const path of files())
    assert.ok(!readFileSync(path).includes(CANARY), path);
  await agency.serve();
  agency.refused(["case", "show", caseId], 10, "not-found");
  assert.equal(agency.json(["case", "erase", caseId, "--reason", "x"]).case, caseId);
  await pause(1000); // the merger hears nothing of it again
  agency.refused(["case", "show", caseId], 10, "not-found");
  assert.ok(sizeOf("journal.db") > 0);
  await agency.stop();
});
