// The main job over the real server: two tablets join, work offline on one case, and what they
// cannot agree on is decided at the centre.
import { strict as assert } from "node:assert";
import { execFile } from "node:child_process";
import { openSync, readdirSync, readFileSync, readSync, closeSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { Agency, Tablet, clientProgram, dossier, until } from "./world.mjs";

const CANARY = "kanarie-7f3a91-vluchtadres";

const agency = new Agency();
let anna, bea, caseId, noteId;

const stateAt = (tablet) => tablet.json(["case", "show", caseId]).stateId;
const stateAtCentre = () => agency.json(["case", "show", caseId]).stateId;

async function allEqual() {
  await until("all three hold the same state", () => {
    anna.sync();
    bea.sync();
    return stateAt(anna) === stateAtCentre() && stateAt(bea) === stateAtCentre();
  });
}

test("two tablets join with a code that works once", async () => {
  agency.init();
  await agency.serve();
  anna = new Tablet(agency, "Anna");
  bea = new Tablet(agency, "Bea");
  assert.match(anna.enrol().check, /^.{4}-.{4}-.{4}$/);
  bea.enrol();
  const { code } = agency.json(["device", "invite", "--worker", "Cor"]);
  new Tablet(agency, "Cor").enrol(code);
  const thief = new Tablet(agency, "Dief");
  assert.notEqual(thief.run(["enrol", code, "--quick-pin", "--name", "Dief"]).code, 0);
  const devices = agency.json(["device", "list"]);
  assert.deepEqual(devices.map((d) => [d.worker, d.state]).sort(),
    [["Anna", "active"], ["Bea", "active"], ["Cor", "active"]]);
});

test("a tablet that a person has to approve waits, and both sides show one code", async () => {
  const join = (tablet) => {
    const { code } = agency.json(["device", "invite", "--worker", "Daan", "--confirm"]);
    return new Promise((done) => execFile(clientProgram, ["--home", tablet.home, "--pin-file",
      tablet.pin, "enrol", code, "--quick-pin", "--name", "Daan", "--json"],
      (error, out, err) => done({ error, out, err })));
  };
  const joining = join(new Tablet(agency, "Daan"));
  const waiting = await until("Daan waits", () => agency.json(["device", "list"])
    .find((d) => d.state === "waiting"));
  assert.equal(waiting.worker, "Daan");
  const other = waiting.check.replace(/./, (sign) => sign === "7" ? "8" : "7");
  agency.refused(["device", "approve", waiting.device], 2, "invalid");
  // The beginning of the code says which tablet, and is no comparison.
  for (const word of [waiting.check.slice(0, 4), waiting.check.slice(0, -1), "Daan"]) {
    agency.refused(["device", "approve", word], 2, "invalid");
    agency.refused(["device", "approve", word, "--check", other], 8, "forged");
  }
  for (const word of [other, waiting.check.slice(0, 3), "Dirk", "ffffffff"])
    assert.match(agency.refused(["device", "approve", word, "--check", waiting.check], 10,
      "not-found").detail, /er wacht geen tablet/);
  assert.equal(agency.refused(["device", "approve", waiting.device, "--check", other], 8, "forged")
    .text, "De controlecode klopt niet.");
  agency.refused(["device", "approve", waiting.device, "--check", waiting.check.slice(0, -1)], 8, "forged");
  assert.deepEqual(agency.json(["device", "approve",
    waiting.check.toLowerCase().replaceAll("-", " ")]), { approved: true });
  // Of two that wait a name is not enough.
  const second = join(new Tablet(agency, "Daan-2")), third = join(new Tablet(agency, "Daan-3"));
  const both = await until("two wait", () => {
    const all = agency.json(["device", "list"]).filter((d) => d.state === "waiting");
    return all.length === 2 && all;
  });
  assert.match(agency.refused(["device", "approve", "Daan", "--check", both[0].check], 2, "invalid")
    .detail, /^2 wachtende tablets/);
  for (const one of both) agency.json(["device", "approve", one.check.slice(0, 6), "--check", one.check]);
  for (const more of [await second, await third]) assert.equal(more.error, null, more.out);
  const { error, out, err } = await joining;
  assert.equal(error, null, out + err);
  assert.equal(JSON.parse(out).check, waiting.check);
  agency.refused(["device", "approve", waiting.device, "--check", waiting.check], 10, "not-found");
});

test("a case made offline reaches the centre and leaves the outbox", async () => {
  caseId = anna.newCase(dossier("Gezin aan de Vaart", CANARY));
  noteId = anna.json(["case", "show", caseId]).records.find((r) => r.type === "note").record;
  const first = anna.sync();
  assert.equal(first.sent, 1);
  await until("it is taken in", () => {
    anna.sync();
    return anna.json(["status"]).unsent === 0;
  });
  const [listed] = agency.json(["case", "list"]);
  assert.equal(listed.case, caseId);
  assert.equal(listed.title, "Gezin aan de Vaart");
  assert.equal(stateAtCentre(), stateAt(anna));
  const seen = agency.json(["device", "list"]).find((d) => d.worker === "Anna").lastSeen;
  assert.match(seen, /^\d{4}-/);
});

test("an assigned tablet gets the case, others do not", async () => {
  bea.sync();
  assert.deepEqual(bea.json(["case", "list"]), []);
  agency.refused(["case", "assign", caseId, bea.device, "--compartment", "address"], 10, "not-found");
  agency.refused(["case", "assign", caseId, bea.device, "--compartment", "adres"], 2, "invalid");
  agency.json(["case", "assign", caseId, bea.device, "--compartment", "main"]);
  await until("Bea has the case", () => {
    bea.sync();
    return bea.json(["case", "list"]).length === 1;
  });
  assert.equal(stateAt(bea), stateAtCentre());
});

test("what relay and merger had survives that they are killed", async () => {
  anna.json(["record", "set", caseId, noteId, 'toldTo="de buurvrouw"']);
  anna.sync();
  for (const role of ["relay", "merger"]) {
    agency.lines.length = 0;
    process.kill(agency.pid(role), "SIGKILL");
    await until(`${role} is there again`, () => agency.lines.some((l) => l.role === role));
  }
  await allEqual();
  assert.equal(anna.json(["status"]).unsent, 0);
});

test("the same field written twice offline waits for a person, who decides once", async () => {
  anna.json(["record", "set", caseId, noteId, 'text="versie van Anna"']);
  bea.json(["record", "set", caseId, noteId, 'text="versie van Bea"']);
  bea.json(["record", "set", caseId, noteId, "fromPolice=true"]);
  await allEqual();
  const [conflict] = agency.json(["conflict", "list"]);
  assert.equal(conflict.record, noteId);
  assert.deepEqual(conflict.sides.map((s) => s.side), [1, 2]);
  assert.deepEqual(conflict.sides.map((s) => s.worker).sort(), ["Anna", "Bea"]);
  assert.equal(conflict.base, CANARY);
  // When a change came is kept by who took it in, and by its author from the receipt.
  for (const side of conflict.sides) assert.match(side.received, /^\d{4}-.*Z$/);
  for (const tablet of [anna, bea]) {
    const conflicts = tablet.json(["conflicts"]);
    assert.equal(conflicts.length, 1);
    for (const side of [...conflicts[0].sides, ...tablet.json(["log", caseId])]) {
      assert.match(side.received, /^\d{4}-.*Z$/, JSON.stringify(side));
      assert.equal(side.skewed, false);
    }
  }
  assert.deepEqual(agency.json(["conflict", "show", conflict.conflict]), conflict);

  const resolve = ["conflict", "resolve", conflict.conflict, "--reason", "gesproken met de school"];
  agency.refused([...resolve, "--take", "side=3"], 2, "invalid");
  agency.refused([...resolve, "--take", "side=1", "--by", "niemand"], 10, "not-found");
  agency.refused([...resolve, "--take", "side=1", "--by", "Anna"], 9, "not-allowed");
  agency.refused([...resolve, "--take", "side=1", "--by", "operator", "--pin-file", "/dev/null"],
    9, "not-allowed");
  const wanted = conflict.sides.find((s) => s.worker === "Bea");
  agency.json([...resolve, "--take", `side=${wanted.side}`]);
  agency.refused([...resolve, "--take", "side=1"], 10, "not-found");
  await allEqual();
  for (const tablet of [anna, bea]) {
    assert.deepEqual(tablet.json(["conflicts"]), []);
    const { records } = tablet.json(["case", "show", caseId]);
    assert.equal(records.find((r) => r.record === noteId).fields.text, "versie van Bea");
    const { fields } = records.find((r) => r.type === "decision");
    assert.equal(fields.reason, "gesproken met de school");
    assert.equal(fields.decidedBy, "operator");
    assert.equal(fields.conflict, conflict.conflict);
  }
});

test("verbs work without a running server, and what they did goes out with the next", async () => {
  anna.json(["record", "set", caseId, noteId, 'text="later Anna"']);
  bea.json(["record", "set", caseId, noteId, 'text="later Bea"']);
  await allEqual();
  await agency.stop();
  anna.refused(["sync", "--once"], 7, "network");
  const [conflict] = agency.json(["conflict", "list"]);
  agency.json(["conflict", "resolve", conflict.conflict, "--take", 'value="samen besloten"',
    "--reason", "overleg"]);
  assert.deepEqual(agency.json(["conflict", "list"]), []);
  await agency.serve();
  await allEqual();
  assert.deepEqual(bea.json(["conflicts"]), []);
});

// Pieces overlap, so that no text falls between two. A region of gigabytes is the bookkeeping of a
// sanitizer: shadows of bytes, never the bytes.
function* memory(pid) {
  const piece = 1 << 20, overlap = 256, part = Buffer.alloc(piece + overlap);
  const file = openSync(`/proc/${pid}/mem`, "r");
  for (const line of readFileSync(`/proc/${pid}/maps`, "utf8").split("\n")) {
    const found = /^([0-9a-f]+)-([0-9a-f]+) r/.exec(line);
    if (!found || line.endsWith("[vvar]") || line.endsWith("[vsyscall]")) continue;
    const from = BigInt(`0x${found[1]}`), to = BigInt(`0x${found[2]}`);
    if (to - from > 1n << 30n) continue;
    for (let at = from; at < to; at += BigInt(piece)) {
      const len = Math.min(piece + overlap, Number(to - at));
      try {
        yield part.subarray(0, readSync(file, part, 0, len, at));
      } catch { /* pages that are not there */ }
    }
  }
  closeSync(file);
}

const files = (dir) => readdirSync(dir, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? files(join(dir, entry.name)) : entry.isFile() ? [join(dir, entry.name)] : []);

test("nothing of a case is in a folder of relay, merger or tablet, nor in the relay's memory", (t) => {
  const folders = [agency.dir, anna.home, bea.home].map(files);
  assert.ok(folders.every((found) => found.some((path) => path.endsWith(".db"))));
  for (const path of folders.flat()) {
    const bytes = readFileSync(path);
    for (const text of [CANARY, "versie van Bea", "gesproken met"])
      assert.equal(bytes.includes(text), false, `${text} in ${path}`);
  }
  if (process.getuid() !== 0) return t.skip("reading another process's memory takes root");
  let known = false;
  for (const part of memory(agency.pid("relay"))) {
    for (const text of [CANARY, "versie van Bea", "gesproken met"])
      assert.equal(part.includes(text), false, `${text} in memory`);
    known ||= part.includes("/v1/exchange");
  }
  assert.ok(known, "the search finds what is there");
});

test("the agency ends cleanly", async () => {
  assert.deepEqual(await agency.stop(), { code: 0, signal: null });
  assert.equal(agency.errors.includes(CANARY), false);
});
