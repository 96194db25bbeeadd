// The access log over the real programs: what a tablet looked up without network is asked for at the
// office, held against itself, and exported with a signature that others check.
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { createHash, createPublicKey, verify } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
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
