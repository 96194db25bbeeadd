// People of the office: PINs and keys of their own, what their roles may see, and decisions that
// anybody can check with stock tools.
import { strict as assert } from "node:assert";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { Agency, Tablet, dossier, until } from "./world.mjs";

const agency = new Agency();
let anna, bea, caseId, noteId, pin;

const pinFile = (name, text) => {
  const path = join(agency.parent, `pin-${name}`);
  writeFileSync(path, `${text}\n`);
  return path;
};
const as = (name, file = pin[name]) => ["--by", name, "--pin-file", file];

async function allEqual() {
  await until("all three hold the same state", () => {
    anna.sync();
    bea.sync();
    const here = agency.json(["case", "show", caseId]).stateId;
    return [anna, bea].every((t) => t.json(["case", "show", caseId]).stateId === here);
  });
}

async function disagree(field, one, other) {
  anna.json(["record", "set", caseId, noteId, `${field}=${JSON.stringify(one)}`]);
  bea.json(["record", "set", caseId, noteId, `${field}=${JSON.stringify(other)}`]);
  await allEqual();
  return agency.json(["conflict", "list"])[0];
}

test("people of the office are added, with a PIN that is long enough", async () => {
  agency.init();
  await agency.serve();
  pin = { carla: pinFile("carla", "839201"), dirk: pinFile("dirk", "5512-katten"),
    eva: pinFile("eva", "204477"), fons: pinFile("fons", "991377") };
  const short = pinFile("short", "12");
  agency.refused(["user", "add", "carla", "--role", "boss", "--pin-file", pin.carla], 2, "invalid");
  agency.refused(["user", "add", "carla", "--role", "case_manager", "--pin-file", short], 2,
    "invalid");
  agency.refused(["user", "add", "carla", "--role", "case_manager", "--pin-file", "/nowhere"], 5,
    "locked");
  for (const [name, role] of [["carla", "case_manager"], ["dirk", "specialist"],
    ["eva", "reporting"], ["fons", "admin"]])
    assert.equal(agency.json(["user", "add", name, "--role", role, "--pin-file", pin[name]]).role,
      role);
  agency.refused(["user", "add", "carla", "--role", "specialist"], 1, "exists");
  const users = agency.json(["user", "list"]);
  assert.deepEqual(users.map((u) => [u.name, u.role, u.state, u.key !== null]), [
    ["carla", "case_manager", "active", true], ["dirk", "specialist", "active", true],
    ["eva", "reporting", "active", true], ["fons", "admin", "active", true],
    ["operator", "team_lead", "active", false]]);
});

test("a case with two versions of one field", async () => {
  anna = new Tablet(agency, "Anna");
  bea = new Tablet(agency, "Bea");
  anna.enrol();
  bea.enrol();
  caseId = anna.newCase(dossier("Gezin aan de Vaart", "eerste versie"));
  noteId = anna.json(["case", "show", caseId]).records.find((r) => r.type === "note").record;
  await until("it is taken in", () => {
    anna.sync();
    return anna.json(["status"]).unsent === 0;
  });
  agency.json(["case", "assign", caseId, bea.device]);
  await allEqual();
});

test("reporting and admin see no case content, others do with their PIN", () => {
  for (const name of ["eva", "fons"])
    for (const words of [["case", "list"], ["case", "show", caseId], ["conflict", "list"],
      ["conflict", "show", "00000000"]])
      agency.refused([...words, ...as(name)], 9, "not-allowed");
  assert.equal(agency.json(["case", "show", caseId, ...as("carla")]).case, caseId);
  agency.refused(["case", "show", caseId, "--by", "carla"], 5, "locked");
  agency.refused(["case", "show", caseId, ...as("carla", pin.dirk)], 5, "wrong-pin");
  agency.refused(["case", "show", caseId, ...as("niemand", pin.dirk)], 10, "not-found");
  agency.refused(["case", "show", caseId, ...as("Anna", pin.dirk)], 9, "not-allowed");
});

// What somebody changed, added or took away beside the changes of an export is named, by its file.
function tampered(out, decision) {
  assert.deepEqual(bea.json(["verify", out]).findings, []);
  const broken = (file, change) => {
    const dir = `${out}-changed`;
    cpSync(out, dir, { recursive: true });
    change(join(dir, file));
    const { code, out: answer } = bea.run(["verify", dir]);
    assert.equal(code, 8, `${file}: ${answer}`);
    const { findings } = JSON.parse(answer);
    assert.ok(findings.some(({ text }) => text.includes(file)), `${file}: ${answer}`);
    rmSync(dir, { recursive: true });
  };
  const edit = (from, to) => (path) =>
    writeFileSync(path, readFileSync(path, "utf8").replace(from, to));
  broken(`${decision}.json`, edit("gebeld", "gemaild"));
  broken(`${decision}.sig`, edit("U1NI", "U1NJ"));
  for (const file of [`${decision}.json`, `${decision}.sig`, "allowed_signers",
    "decisions/allowed_signers"]) {
    broken(file, (path) => rmSync(path));
    broken(file, (path) => writeFileSync(path, ""));
  }
  for (const file of ["allowed_signers", "decisions/allowed_signers"]) {
    broken(file, edit(/AAAAE2Vj[^\n]*/, (key) => `${key.slice(0, -8)}AAAAAAA=`));
    broken(file, edit(/^/, "iemand namespaces=\"git\" ssh-ed25519 AAAA\n"));
  }
  broken("decisions/vreemd.json", (path) => writeFileSync(path, "{}"));
  broken(`${decision}.json`, (path) => rmSync(join(path, ".."), { recursive: true }));
}

test("a decision is signed by the person, and stock tools say so", async () => {
  const conflict = await disagree("text", "van Anna", "van Bea");
  const { side } = conflict.sides.find((s) => s.worker === "Bea");
  const resolve = ["conflict", "resolve", conflict.conflict, "--take", `side=${side}`, "--reason",
    "gebeld met de school"];
  for (const name of ["eva", "fons"]) agency.refused([...resolve, ...as(name)], 9, "not-allowed");
  agency.refused([...resolve, ...as("carla", pin.eva)], 5, "wrong-pin");
  const made = agency.json([...resolve, ...as("carla")]);
  assert.equal(made.signed, true);
  await allEqual();
  for (const tablet of [anna, bea]) {
    assert.deepEqual(tablet.json(["conflicts"]), []);
    const proof = tablet.json(["verify", caseId]);
    assert.deepEqual(proof.decisions, { office: 0, persons: 1, unknown: 0 });
    assert.deepEqual(proof.findings, []);
  }
  const out = join(agency.parent, "export");
  assert.equal(bea.json(["export", caseId, out]).decisions, 1);
  const folder = join(out, "decisions");
  const statement = readFileSync(join(folder, `${made.decision}.json`));
  const said = JSON.parse(statement);
  assert.equal(said.by, "carla");
  assert.equal(said.value, "van Bea");
  assert.equal(said.reason, "gebeld met de school");
  assert.equal(said.conflict, conflict.conflict);
  assert.equal(said.sides.length, 2);
  const users = agency.json(["user", "list"]);
  const { user, key } = users.find((u) => u.name === "carla");
  assert.equal(Buffer.from(said.key.slice(7), "base64").toString("hex"), key);
  const check = (bytes, principal) => spawnSync("ssh-keygen", ["-Y", "verify", "-f",
    join(folder, "allowed_signers"), "-I", principal, "-n", "veldkit-decision-1", "-s",
    join(folder, `${made.decision}.sig`)], { input: bytes }).status;
  assert.equal(check(statement, user), 0);
  assert.notEqual(check(Buffer.from(statement.toString().replace("van Bea", "van Eva")), user), 0);
  assert.notEqual(check(statement, users.find((u) => u.name === "dirk").user), 0);
  execFileSync("git", ["-C", out, "fsck", "--strict"], { stdio: "ignore" });
  tampered(out, `decisions/${made.decision}`);
});

test("without a PIN a decision is the office's, and says so", async () => {
  const conflict = await disagree("toldTo", "de juf", "de buurvrouw");
  const made = agency.json(["conflict", "resolve", conflict.conflict, "--take", "side=1",
    "--reason", "overleg"]);
  assert.equal(made.signed, false);
  await allEqual();
  assert.deepEqual(anna.json(["verify", caseId]).decisions, { office: 1, persons: 1, unknown: 0 });
  agency.json(["user", "pin", "operator", "--pin-file", pinFile("operator", "777111")]);
  const next = await disagree("text", "de meester", "de kapper");
  assert.equal(agency.json(["conflict", "resolve", next.conflict, "--take", "side=2", "--reason",
    "overleg", "--pin-file", join(agency.parent, "pin-operator")]).signed, true);
  await allEqual();
  assert.deepEqual(bea.json(["verify", caseId]).decisions, { office: 1, persons: 2, unknown: 0 });
});

// Whether the family is in acute danger: two people have to agree that it is not.
async function danger(field = "acuteDanger") {
  const [first] = anna.json(["case", "show", caseId]).records.filter((r) => r.type === "case");
  anna.json(["record", "set", caseId, first.record, `${field}=true`]);
  bea.json(["record", "set", caseId, first.record, `${field}=false`]);
  await allEqual();
  return agency.json(["conflict", "list"]).find((c) => c.field === field);
}
const TIME = "\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d";
const MACHINE = /acuteDanger|\btrue\b|\bfalse\b|\bfact\b|SSH SIG|\dT\d\d:/;

// People read the names of the schemas' labels and their own time, at the office as on a tablet.
function readInDutch(conflict) {
  const listed = agency.run(["conflict", "list"]).out;
  assert.match(listed, new RegExp(`^Keuze ${conflict.conflict}\n  zaak ${caseId} \\(main\\)\n` +
    `  Zaak ${conflict.record}: Acuut gevaar\n  vooraf: \\(leeg\\)\n  nu geldt: ja\n` +
    `  1\\. (ja|nee)  \\(${TIME}, (Anna|Bea)\\)`, "m"));
  const shown = agency.run(["case", "show", caseId]).out;
  assert.match(shown, /^ {2}Acuut gevaar: ja$/m);
  assert.match(shown, /^ {2}Veld: Tekst\n {2}Reden: gebeld met de school$/m);
  assert.match(shown, /^ {2}Soort: Feit$/m);
  assert.match(shown, /^ {2}Hier moet iemand kiezen: Acuut gevaar$/m);
  assert.match(anna.text(["conflicts", caseId]),
    new RegExp(`^  Zaak ${conflict.record}: Acuut gevaar\n  nu geldt: ja\n  - (ja|nee)  \\(${TIME}, `,
      "m"));
  for (const text of [listed, shown, anna.text(["conflicts", caseId]),
    anna.text(["case", "show", caseId])])
    assert.doesNotMatch(text, MACHINE);
}

const dangerNow = (tablet) => tablet.json(["case", "show", caseId]).records
  .find((r) => r.type === "case").fields.acuteDanger;

test("where a mistake is dangerous a second person agrees, until then it shows what protects",
  async () => {
    const conflict = await danger();
    assert.equal(conflict.risk, "two");
    assert.equal(conflict.proposal, null);
    readInDutch(conflict);
    const { side } = conflict.sides.find((s) => s.value === false);
    const resolve = ["conflict", "resolve", conflict.conflict, "--take", `side=${side}`, "--reason",
      "politie is langs geweest"];
    agency.refused(["conflict", "confirm", conflict.conflict, ...as("dirk")], 10, "not-found");
    const made = agency.json([...resolve, "--expect", conflict.expect, ...as("carla")]);
    assert.deepEqual([made.needs, made.value, made.by], [1, false, "carla"]);
    await allEqual();
    const again = agency.json(["conflict", "show", conflict.conflict]);
    assert.equal(again.effective, true);
    assert.equal(again.proposal.by, "carla");
    assert.equal(again.proposal.value, false);
    assert.equal(again.proposal.needs, 1);
    assert.notEqual(again.expect, conflict.expect);
    // A colleague's proposal is not replaced by who did not read it.
    const other = agency.run([...resolve, "--json", ...as("dirk")]);
    assert.equal(other.code, 1);
    assert.equal(JSON.parse(other.out).error.status, "stale");
    assert.deepEqual(JSON.parse(other.out).conflict.proposal, again.proposal);
    assert.match(agency.run([...resolve, ...as("dirk")]).out,
      new RegExp(`ligt al een voorstel[^]*--expect ${again.expect}`));
    for (const tablet of [anna, bea]) {
      assert.equal(dangerNow(tablet), true);
      const [there] = tablet.json(["conflicts"]);
      assert.deepEqual(there.proposal, again.proposal);
    }
    const confirm = ["conflict", "confirm", conflict.conflict];
    agency.refused([...confirm, ...as("carla")], 9, "not-allowed");
    agency.refused([...confirm, "--by", "operator"], 9, "not-allowed");
    agency.refused([...confirm, ...as("eva")], 9, "not-allowed");
    const stale = agency.run([...confirm, "--expect", conflict.expect, ...as("dirk"), "--json"]);
    assert.equal(stale.code, 1);
    assert.equal(JSON.parse(stale.out).error.status, "stale");
    assert.deepEqual(JSON.parse(stale.out).conflict.proposal, again.proposal);
    assert.match(agency.run(["conflict", "show", conflict.conflict]).out,
      /^ {2}voorstel van carla: nee \(nog 1 nodig/m);
    const agreed = agency.json([...confirm, "--expect", again.expect, ...as("dirk")]);
    assert.deepEqual([agreed.needs, agreed.value, agreed.by], [0, false, "carla"]);
    await allEqual();
    for (const tablet of [anna, bea]) {
      assert.equal(dangerNow(tablet), false);
      assert.deepEqual(tablet.json(["conflicts"]), []);
      const proof = tablet.json(["verify", caseId]);
      assert.deepEqual(proof.findings, []);
      assert.equal(proof.decisions.persons, 4);
    }
  });

test("a decision is taken back by another one, which also needs two", async () => {
  const settled = agency.json(["conflict", "list"]);
  assert.deepEqual(settled, []);
  const out = join(agency.parent, "export-2");
  assert.equal(anna.json(["export", caseId, out]).decisions, 4);
  const [id] = readdirSync(join(out, "decisions")).filter((n) => n.endsWith(".json"))
    .map((n) => JSON.parse(readFileSync(join(out, "decisions", n))))
    .filter((d) => d.field === "acuteDanger").map((d) => d.conflict);
  const back = ["conflict", "resolve", id, "--take", "value=true", "--reason", "toch niet veilig"];
  agency.refused([...back, ...as("dirk")], 10, "not-found");
  const late = agency.run([...back, "--expect", "0123456789abcdef", ...as("dirk"), "--json"]);
  assert.equal(late.code, 1);
  assert.equal(JSON.parse(late.out).decided.by, "carla");
  assert.equal(JSON.parse(late.out).decided.value, false);
  const unseen = ["conflict", "resolve", id, "--take", "-", "--reason", "toch niet veilig"];
  agency.refused([...unseen.slice(0, 6), "-", ...as("dirk")], 2, "invalid", { input: "value=true\n" });
  assert.equal(agency.json([...unseen, "--revise", ...as("dirk")], { input: "value=true\n" }).needs, 1);
  const [waiting] = agency.json(["conflict", "list"]);
  assert.equal(waiting.conflict, id);
  assert.equal(waiting.effective, false);
  assert.equal(waiting.proposal.by, "dirk");
  const agreed = agency.run(["conflict", "confirm", id, ...as("carla")]);
  assert.equal(agreed.code, 0, agreed.err);
  assert.match(agreed.out, /^Bevestigd: ja, het voorstel van dirk\n  reden: toch niet veilig\n/);
  await allEqual();
  assert.equal(dangerNow(anna), true);
  assert.deepEqual(bea.json(["conflicts"]), []);
  assert.deepEqual(bea.json(["verify", caseId]).findings, []);
});

test("the office's proposal takes two persons; who writes meanwhile adds a side, unseen by it", async () => {
  const conflict = await danger("structuralUnsafety");
  const { side } = conflict.sides.find((s) => s.value === false);
  const made = agency.json(["conflict", "resolve", conflict.conflict, "--take", `side=${side}`,
    "--reason", "gebeld"]);
  assert.equal(made.signed, false);
  assert.equal(made.needs, 2);
  agency.json(["conflict", "assign", conflict.conflict, "--owner", "carla", "--deadline",
    "2026-03-05"]);
  agency.refused(["conflict", "assign", conflict.conflict, "--deadline", "5 maart"], 2, "invalid");
  await allEqual();
  const [shown] = bea.json(["conflicts"]);
  assert.deepEqual([shown.owner, shown.deadline, shown.proposal.needs], ["carla", "2026-03-05", 2]);
  assert.equal(agency.json(["conflict", "confirm", conflict.conflict, ...as("carla")]).needs, 1);
  agency.refused(["conflict", "confirm", conflict.conflict, ...as("carla")], 9, "not-allowed");
  const [first] = anna.json(["case", "show", caseId]).records.filter((r) => r.type === "case");
  anna.json(["record", "set", caseId, first.record, "structuralUnsafety=null"]);
  await allEqual();
  agency.refused(["conflict", "confirm", conflict.conflict, ...as("dirk")], 1, "stale");
  const [open] = bea.json(["conflicts"]);
  assert.deepEqual([open.conflict, open.effective, open.sides.length],
    [conflict.conflict, true, conflict.sides.length + 1]);
  agency.json(["conflict", "resolve", open.conflict, "--take", "value=false", "--reason", "gebeld",
    "--expect", open.expect, ...as("carla")]);
  assert.equal(agency.json(["conflict", "confirm", open.conflict, ...as("dirk")]).needs, 0);
  await allEqual();
  assert.deepEqual(bea.json(["conflicts"]), []);
  assert.deepEqual(bea.json(["verify", caseId]).findings, []);
});

test("a PIN is changed, a forgotten one means a new key, a disabled user decides nothing until enabled",
  async () => {
    const fresh = pinFile("fresh", "314159");
    const before = agency.json(["user", "list"]).find((u) => u.name === "dirk").key;
    agency.refused(["user", "pin", "dirk", "--pin-file", fresh], 5, "locked");
    agency.refused(["user", "pin", "dirk", "--pin-file", fresh, "--old-pin-file", pin.eva], 5,
      "wrong-pin");
    agency.json(["user", "pin", "dirk", "--pin-file", fresh, "--old-pin-file", pin.dirk]);
    agency.refused(["case", "show", caseId, ...as("dirk")], 5, "wrong-pin");
    agency.json(["case", "show", caseId, ...as("dirk", fresh)]);
    assert.equal(agency.json(["user", "list"]).find((u) => u.name === "dirk").key, before);
    agency.json(["user", "pin", "dirk", "--pin-file", pin.dirk, "--new-key"]);
    assert.notEqual(agency.json(["user", "list"]).find((u) => u.name === "dirk").key, before);
    agency.json(["user", "role", "dirk", "--role", "admin"]);
    agency.refused(["case", "show", caseId, ...as("dirk")], 9, "not-allowed");
    agency.json(["user", "disable", "dirk"]);
    agency.refused(["case", "show", caseId, ...as("dirk")], 9, "not-allowed");
    assert.equal(agency.json(["user", "list"]).find((u) => u.name === "dirk").state, "disabled");
    const changed = agency.run(["user", "role", "dirk", "--role", "specialist"]).out;
    assert.match(changed, /is uitgeschakeld; user enable/);
    agency.json(["user", "enable", "dirk"]);
    assert.equal(agency.json(["case", "show", caseId, ...as("dirk")]).case, caseId);
    agency.json(["user", "disable", "dirk"]);
  });

test("wrong PINs make everybody wait, also after a restart", async () => {
  let error;
  for (let i = 0; i < 12; i++) {
    const done = agency.run(["case", "list", ...as("carla", pin.eva), "--json"]);
    error = JSON.parse(done.out).error;
    if (error.status !== "wrong-pin") break;
  }
  assert.equal(error.status, "wait");
  assert.match(error.detail, /over \d+ seconden/);
  agency.refused(["case", "list", ...as("carla")], 5, "wait");
  await agency.stop();
  await agency.serve();
  const again = JSON.parse(agency.run(["case", "list", ...as("carla"), "--json"]).out).error;
  assert.ok(again === undefined || again.status === "wait");
  await until("the wait is over", () => agency.run(["case", "list", ...as("carla")]).code === 0);
});

test("who was refused is in the access log, by name and why", () => {
  const lines = (user) => agency.json(["audit", "query", "--user", user])
    .filter((line) => line.EventOutcomeIndicator === 4);
  const has = (user, kind, event, reason) => lines(user).some((line) => line.kind === kind &&
    line.eventTypeCode === event && line.participantObjectID === null && reason.test(line.reason));
  // The PIN of a colleague, tried; and after some the wait.
  assert.ok(has("carla", "login", "case show", /pincode van deze gebruiker klopt niet/));
  assert.ok(has("carla", "login", "conflict resolve", /pincode/));
  assert.ok(has("carla", "login", "case list", /te vaak een verkeerde pincode/));
  assert.ok(has("dirk", "login", "user pin", /klopt niet/));
  // No right to it: a role, a user who was disabled.
  assert.ok(has("eva", "read", "case show", /wie de rol .* heeft mag dit niet/), JSON.stringify(lines("eva")));
  assert.ok(has("dirk", "read", "case show", /uitgeschakeld/));
  // A name that nobody has is not kept.
  assert.ok(has("operator", "read", "case show", /deze gebruiker is er niet/));
  agency.refused(["audit", "query", "--user", "niemand"], 10, "not-found");
  // No PIN is in it.
  assert.ok(!JSON.stringify(agency.json(["audit", "query"])).includes("204477"));
});

test("every tablet follows one directory, and an agency that was set back shows", async () => {
  await allEqual();
  const seen = anna.json(["status"]).directory;
  assert.equal(seen.broken, false);
  assert.deepEqual(bea.json(["status"]).directory, seen);
  await agency.stop();
  const old = join(agency.parent, "merger-before");
  cpSync(join(agency.dir, "merger"), old, { recursive: true,
    filter: (path) => !path.endsWith("socket") });
  await agency.serve();
  new Tablet(agency, "Cor").enrol();
  await until("Anna follows", () => {
    anna.sync();
    return anna.json(["status"]).directory.size > seen.size;
  });
  await agency.stop();
  rmSync(join(agency.dir, "merger"), { recursive: true });
  cpSync(old, join(agency.dir, "merger"), { recursive: true });
  await agency.serve();
  new Tablet(agency, "Daan").enrol();
  await until("Anna sees two histories", () => anna.run(["sync", "--once"]).code === 8);
  const told = anna.run(["status"]);
  assert.equal(told.code, 8);
  assert.equal(JSON.parse(told.out).directory.broken, true);
});

test("no PIN and no name of staff is at the relay", () => {
  const folder = join(agency.dir, "relay");
  for (const name of readdirSync(folder).filter((n) => !n.endsWith(".sock")))
    for (const text of ["carla", "839201", "gebeld met de school"])
      assert.equal(readFileSync(join(folder, name)).includes(text), false, `${text} in ${name}`);
});

test("the agency ends cleanly", async () => {
  assert.deepEqual(await agency.stop(), { code: 0, signal: null });
});
