// What the domain asks of joining, as a worker and the office would see it. Each scenario is one from
// practice; signing on the glass is not there yet, so a signed plan is data here. That repetition and
// order change nothing is played in lessons_test.mjs.
import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { after, test } from "node:test";
import { Tablet, until } from "../server/world.mjs";
import { Household } from "./household.mjs";

const family = new Household(["Anna", "Bea"]);
const { anna, bea } = family.tablets;
after(() => family.end());
await family.begin({
  records: [
    { type: "case", fields: { title: "Gezin aan de Vaart", priorityCode: "red",
      responsibilityHolder: "veiligThuis", acuteDanger: false } },
    { type: "safety-agreement", fields: { what: "De buurvrouw haalt de kinderen op.",
      when: "elke woensdag" } },
    { type: "person", ref: "moeder", fields: { name: "Mina Bakker" } },
    { type: "safety-plan", ref: "plan", fields: { title: "Rust in huis", state: "draft" } },
    { type: "home-ban", ref: "verbod", fields: { subject: "#vader", state: "considered" } },
    { type: "person", ref: "vader", fields: { name: "Karel Visser" } },
    { type: "assessment", fields: { instrument: "VB", judgement: "Nog te wegen." } },
    { type: "reporter-consent", fields: { given: "yes", toldAt: "2026-03-01T10:00:00+01:00" } },
    { type: "handover", fields: { kind: "direct", to: "Lokaal team Vaart", namesReporter: true,
      state: "prepared" } },
    { type: "address", fields: { persons: ["#moeder"], whereabouts: "home", street: "Vaartkade 1",
      place: "Haarlem" } },
  ],
});
const theCase = family.record("case");
const agreement = family.record("safety-agreement");
const ban = family.record("home-ban");
const part = (type, find) => anna.shown().records.filter((r) => r.type === type).find(find);
const incident = (who, description) => who.put("incident", {
  occurredAt: "2026-03-02T20:30:00+01:00", description });

test("a case with acute danger is not closed by who did not know of it", async () => {
  anna.set(theCase, 'phase="received"');
  await family.settle();
  for (const phase of ["assessing", "decided", "closed"]) anna.set(theCase, `phase="${phase}"`);
  bea.set(theCase, "acuteDanger=true");
  await family.settle();
  assert.notEqual(family.value(theCase, "phase"), "closed");
  assert.equal(family.value(theCase, "acuteDanger"), true);
  assert.equal(family.open("phase").length, 1);
  // The log of the phase is the same wherever it is read: each step, what it followed, what is held.
  const steps = [anna.shown(), bea.shown(), family.office.json(["case", "show", family.caseId])]
    .map(({ records }) => records.find((r) => r.record === theCase).logs.phase);
  for (const log of steps) assert.deepEqual(log, steps[0]);
  assert.deepEqual(steps[0].map((s) => [s.step, s.value, s.follows]),
    [[1, "received", []], [2, "assessing", [1]], [3, "decided", [2]], [4, "closed", [3]]]);
  assert.deepEqual(steps[0].map((s) => s.held !== undefined), [false, false, false, true]);
  assert.ok(steps[0].every((s) => s.device === anna.device));
});

test("who lowers the code without knowing of an incident does not lower it", async () => {
  anna.set(theCase, 'priorityCode="orange"');
  incident(bea, "Er is geslagen.");
  assert.equal(anna.shown().records.find((r) => r.record === theCase).fields.priorityCode, "orange");
  await family.settle();
  assert.equal(family.value(theCase, "priorityCode"), "red");
  const [review] = family.open("priorityCode");
  assert.equal(review.risk, "two");
  assert.deepEqual(review.sides.map((s) => [s.worker, s.value]), [["Anna", "orange"]]);
  assert.ok(anna.conflicts().some((c) => c.conflict === review.conflict));
  // Anna, who knows it now, writes it again. She is not the one who decides: it is a side.
  for (const code of ["orange", "yellow"]) anna.set(theCase, `priorityCode="${code}"`);
  await family.settle();
  assert.equal(family.value(theCase, "priorityCode"), "red");
  const [open] = family.open("priorityCode");
  assert.equal(open.conflict, review.conflict);
  assert.deepEqual(open.sides.map((s) => [s.worker, s.value, s.held]).sort(),
    [["Anna", "orange", "danger"], ["Anna", "orange", "undecided"], ["Anna", "yellow", "undecided"]]);
  family.decide(open, 'value="orange"', "Met Anna en de politie besproken.");
  anna.set(ban, 'state="active"'); // the mayor imposed a home ban after the incident
  await family.settle();
  assert.equal(family.value(theCase, "priorityCode"), "orange");
  assert.deepEqual(family.open("priorityCode"), []);
});

test("an agreement removed on one side and changed on the other is kept, and asked about", async () => {
  anna.json(["record", "delete", family.caseId, agreement]);
  bea.set(agreement, 'when="elke vrijdag"');
  await family.settle();
  assert.equal(family.value(agreement, "when"), "elke vrijdag");
  const [open] = family.open("@removed");
  assert.equal(open.record, agreement);
  assert.equal(open.effective, false);
  // Who removes it again, or says that it stays, is one of the sides now.
  anna.json(["record", "delete", family.caseId, agreement]);
  bea.json(["record", "restore", family.caseId, agreement]);
  await family.settle();
  assert.equal(family.value(agreement, "when"), "elke vrijdag");
  const [still] = family.open("@removed");
  assert.ok(still.sides.length > open.sides.length);
  family.decide(still, "value=false", "De afspraak loopt nog.");
  await family.settle();
  assert.deepEqual(family.open("@removed"), []);
  assert.equal(family.value(agreement, "when"), "elke vrijdag");
});

test("a local team that accepts while violence is recorded does not hold the case", async () => {
  anna.put("handover", { kind: "direct", to: "Lokaal team", acceptedAt: ["2026-03-02T18:00:00+01:00"] });
  anna.set(theCase, 'responsibilityHolder="localTeam"');
  incident(bea, "Opnieuw geweld, politie ter plaatse.");
  await family.settle();
  assert.equal(family.value(theCase, "responsibilityHolder"), "veiligThuis");
  assert.equal(family.open("responsibilityHolder").length, 1);
});

test("the same person written down twice stays two, for a person to look at", async () => {
  for (const who of [anna, bea]) who.put("person", { name: "Samira Hendriks" });
  await family.settle();
  for (const tablet of [anna, bea]) {
    const names = tablet.shown().records.filter((r) => r.type === "person").map((r) => r.fields.name);
    assert.deepEqual(names.sort(), ["Karel Visser", "Mina Bakker", "Samira Hendriks", "Samira Hendriks"]);
  }
});

test("an address marked secret on one side and changed on the other is new and secret", async () => {
  const part = ["--compartment", "address"];
  const address = anna.json(["case", "show", family.caseId, ...part]).records
    .find((r) => r.type === "address").record;
  anna.json(["record", "set", family.caseId, address, "secret=true", ...part]);
  bea.json(["record", "set", family.caseId, address, 'street="Kruisweg 2"', ...part]);
  await family.settle();
  const { records } = family.office.json(["case", "show", family.caseId, ...part]);
  const { fields } = records.find((r) => r.record === address);
  assert.equal(fields.secret, true);
  assert.equal(fields.street, "Kruisweg 2");
});

test("what a child told in confidence holds for who may not read it", async () => {
  const conversation = bea.put("child-conversation", { newDanger: true,
    said: ["Hij was er weer, met een mes."],
    ...Object.fromEntries([["child", part("person", (r) => r.fields.name === "Mina Bakker").record]]) });
  anna.set(theCase, 'priorityCode="yellow"');
  await family.settle();
  assert.equal(family.value(theCase, "priorityCode"), "orange");
  const [open] = family.open("priorityCode");
  assert.deepEqual([open.sides[0].held, open.dangers.map((d) => d.type)],
    ["danger", ["danger-notice"]]);
  const notice = part("danger-notice", () => true).fields;
  assert.deepEqual(notice, { about: conversation.record });
  const shown = anna.run(["case", "show", family.caseId, "--compartment", "child-talk"]);
  assert.equal(shown.code, 10, shown.out);
  assert.doesNotMatch(JSON.stringify(anna.shown()), /met een mes/);
});

const text = "Karel komt niet in huis. De buurvrouw haalt de kinderen op, elke woensdag.";
const hash = createHash("sha256").update(text).digest("hex");
const plan = family.record("safety-plan");
const handover = family.record("handover");
const assessment = family.record("assessment");
const long = (sign) => sign.repeat(4500); // over 8 KiB: it stands in a statement as its hash
let version;

test("three things happen on one tablet while another does not know of them", async () => {
  // A plan is signed on Anna's tablet; at the office Bea goes on with its agreements.
  version = anna.put("plan-version", { plan, number: 1, text, textHash: hash,
    agreements: [agreement], state: "presented" }).record;
  const mother = part("person", (r) => r.fields.name === "Mina Bakker").record;
  anna.put("signature", { version, textHash: hash, person: mother, outcome: "signed" });
  anna.set(version, 'state="signed"');
  anna.set(plan, `currentVersion="${version}"`);
  bea.set(agreement, 'what="Oma haalt de kinderen op."');
  bea.set(plan, 'currentUnsafety="Nog geen afspraak voor de avond."');
  // Anna hears that the mayor withdraws the ban; Bea has the paper that extends it.
  anna.put("home-ban-decision", { ban, kind: "withdraw", capacity: "mayor",
    decidedAt: "2026-03-08T09:00:00+01:00" });
  anna.refused(["record", "set", family.caseId, ban, 'state="withdrawn"'], 2, "invalid");
  bea.put("home-ban-decision", { ban, kind: "extend", capacity: "mayor", documentHash: hash,
    decidedAt: "2026-03-08T08:00:00+01:00" });
  bea.set(ban, 'state="extended"');
  // Both write a long judgement of what they found.
  anna.set(assessment, `judgement="${long("ë")}"`);
  bea.set(assessment, `judgement="${long("ï")}"`);
  // Anna sends a handover that names the reporter, who told Bea that she may not.
  anna.set(handover, 'state="sent"');
  bea.put("reporter-consent", { given: "no", toldAt: "2026-03-08T11:00:00+01:00" });
  await family.settle();
});

test("a plan that was signed stands word for word; what changed is for the next version", () => {
  assert.equal(family.value(version, "state"), "signed");
  assert.equal(family.value(version, "text"), text);
  assert.equal(family.value(version, "textHash"), hash);
  assert.equal(family.value(plan, "currentVersion"), version);
  assert.equal(family.value(agreement, "what"), "Oma haalt de kinderen op.");
  assert.equal(family.value(plan, "currentUnsafety"), "Nog geen afspraak voor de avond.");
  assert.equal(part("signature", () => true).fields.textHash, hash);
  for (const field of ["state", "text", "currentVersion", "what"])
    assert.deepEqual(family.open(field).filter((c) => c.type !== "handover"), []);
  bea.refused(["record", "set", family.caseId, version, 'text="Anders."'], 2, "invalid");
});

test("a ban that was withdrawn by word of mouth and extended on paper stays", () => {
  assert.equal(family.value(ban, "state"), "extended");
  const decisions = anna.shown().records.filter((r) => r.type === "home-ban-decision");
  assert.deepEqual(decisions.map((r) => r.fields.kind).sort(), ["extend", "withdraw"]);
});

test("a long text is confirmed as one of the sides, and else refused before anybody signs", async () => {
  const [open] = family.open("judgement");
  family.office.refused(["conflict", "resolve", open.conflict, "--take", `value="${long("ö")}"`,
    "--reason", "Samengevat."], 2, "invalid");
  const { side } = open.sides.find((s) => s.worker === "Bea");
  family.decide(open, `side=${side}`, "De weging van Bea is de volledige.");
  await family.settle();
  assert.equal(family.value(assessment, "judgement"), long("ï"));
});

test("the worklist says all that a person needs, the most dangerous first, here and there", () => {
  const lists = [anna.conflicts(), family.office.json(["conflict", "list"])];
  assert.ok(lists[0].length >= 3);
  assert.deepEqual(lists[0].map((c) => c.conflict), lists[1].map((c) => c.conflict));
  for (const open of lists.flat()) {
    for (const name of ["age", "base", "case", "compartment", "conflict", "deadline", "effective",
      "field", "integrity", "owner", "proposal", "record", "risk", "sides", "since", "type"])
      assert.ok(name in open, `${open.field} has ${name}`);
    for (const side of open.sides)
      for (const name of ["clock", "device", "received", "serverTime", "side", "skewed", "time",
        "value", "worker"])
        assert.ok(name in side, `a side has ${name}`);
  }
  const danger = (open) => open.dangers !== undefined ? 0 : open.risk === "two" ? 1 : 2;
  const order = lists[0].map(danger);
  assert.equal(order[0], 0);
  assert.deepEqual(order, [...order].sort());
});

test("when the paper is there two people book that the ban ended", async () => {
  const { record } = part("home-ban-decision", (r) => r.fields.kind === "withdraw");
  anna.set(record, `documentHash="${hash}"`);
  anna.set(ban, 'state="withdrawn"'); // she proposes it
  await family.settle();
  assert.equal(family.value(ban, "state"), "extended");
  const [open] = family.open("state").filter((c) => c.record === ban);
  assert.deepEqual([open.risk, open.sides[0].held], ["two", "restriction"]);
  family.decide(open, 'value="withdrawn"', "De beschikking is gezien.");
  await family.settle();
  assert.equal(family.value(ban, "state"), "withdrawn");
});

test("what names a reporter who no longer wants that is not sent", () => {
  assert.equal(family.value(handover, "state"), "prepared");
  const [open] = family.open("state").filter((c) => c.record === handover);
  assert.equal(open.sides[0].held, "guard");
  bea.refused(["record", "set", family.caseId, handover, 'state="sent"'], 2, "invalid");
});

test("a decision that a rule holds back says so, and is seen when it counts", async () => {
  const { office } = family, state = () => family.open("state").filter((c) => c.record === handover);
  const [{ conflict }] = state();
  const proposed = office.json(["conflict", "resolve", conflict, "--take", 'value="sent"',
    "--reason", "Het team vraagt erom.", ...family.as("carla", "839201")]);
  const { by, effective, guard } = proposed.held;
  assert.deepEqual([proposed.needs, by, effective, guard.type, guard.needed, guard.wants],
    [1, "guard", "prepared", "reporter-consent", true, [{ field: "given", shows: ["yes"] }]]);
  const said = office.run(["conflict", "confirm", conflict, ...family.as("dirk", "5512-katten")]).out;
  assert.match(said, /dit telt nog NIET\. Het telt niet zolang “Noemt de melder” op ja staat en niet /);
  assert.match(said, /bij de laatste .* op .* staat; is dat anders, dan telt het vanzelf\.\n/);
  assert.match(said, /Tot dan geldt: Klaargezet\.\n/);
  assert.equal(office.json(["status"]).decisionsHeld, 1);
  assert.match(office.run(["status"]).out, /1 beslissing is genomen en telt nog niet/);
  const explained = () => office.run(["conflict", "explain", family.caseId]).out
    .replace(/[ëïö]{99,}/g, "..");
  assert.match(explained(), /Besloten: carla koos op .* “Gestuurd”\..*\n   Dit telt niet zolang “Noemt/);
  const held = () => office.json(["conflict", "explain", family.caseId]).held
    .filter((h) => h.record === handover);
  assert.deepEqual(held().filter((h) => h.ending === null)
    .map((h) => [h.value, h.effective, h.decidedBy]), [["sent", "prepared", "carla"]]);
  await family.settle();
  assert.equal(family.value(handover, "state"), "prepared");
  // She allows it after all: nobody decides anything, and what was decided counts.
  bea.put("reporter-consent", { given: "yes", toldAt: "2026-03-09T11:00:00+01:00" });
  await family.settle();
  assert.equal(family.value(handover, "state"), "sent");
  assert.deepEqual(state(), []);
  const { decisionsHeld, decisionsNowCounting } = office.json(["status"]);
  assert.deepEqual([decisionsHeld, decisionsNowCounting], [undefined, 1]);
  assert.match(office.run(["status"]).out, /1 beslissing was aangehouden en telt inmiddels/);
  assert.match(explained(), /Toen telde dat nog niet, .*; inmiddels telt het\./);
  assert.equal(held().at(-1).ending.heldAtFirst, "guard");
  assert.equal(office.json(["status"]).decisionsNowCounting, undefined); // it was read
});

test("a case with an open critical choice cannot be closed", () => {
  anna.refused(["record", "set", family.caseId, theCase, 'phase="closed"'], 2, "invalid");
});

test("who holds only what a child told is heard in the main case, where the office says it", async () => {
  const cor = new Tablet(family.office, "Cor");
  cor.enrol();
  const told = anna.shown().records.filter((r) => r.type === "danger-notice").length;
  family.office.json(["case", "assign", family.caseId, cor.device, "--compartment", "child-talk"]);
  const [row] = await until("Cor has the part", () => {
    cor.sync();
    const rows = cor.json(["case", "list"]);
    return rows.length > 0 && rows;
  });
  assert.equal(cor.run(["case", "show", family.caseId]).code, 10); // and not the main case
  const { record } = cor.json(["record", "put", row.case, "child-conversation", "--file",
    family.file({ fields: { newDanger: true, said: ["Nu ook bij opa."],
      child: part("person", (r) => r.fields.name === "Mina Bakker").record } })]);
  await until("the notice is in main, for who may not read the part", () => {
    cor.sync();
    anna.sync();
    return anna.shown().records.some((r) => r.type === "danger-notice" &&
      r.fields.about === record);
  });
  await family.settle();
  assert.equal(part("danger-notice", (r) => r.fields.about === record).fields.about, record);
  assert.equal(anna.shown().records.filter((r) => r.type === "danger-notice").length, told + 1);
  assert.doesNotMatch(JSON.stringify(anna.shown()), /bij opa/);
});

test("two who go on from one step make a fork, which a person decides", async () => {
  const subject = part("person", (r) => r.fields.name === "Karel Visser").record;
  const other = anna.put("home-ban", { subject, state: "considered" }).record;
  await family.settle();
  anna.set(other, 'state="active"');
  bea.set(other, 'state="notImposed"');
  await family.settle();
  assert.equal(family.value(other, "state"), "active"); // what protects more
  const { logs } = bea.shown().records.find((r) => r.record === other);
  assert.deepEqual(logs.state.map((s) => [s.value, s.follows]).sort(),
    [["active", [1]], ["considered", []], ["notImposed", [1]]]);
  const [open] = family.open("state").filter((c) => c.record === other);
  assert.deepEqual([open.integrity, open.sides.map((s) => s.value).sort()],
    [true, ["active", "notImposed"]]);
});

test("who was erased at the office is not written about: the note waits closed for a person",
  async () => {
    const { records } = anna.shown();
    const karel = records.find((r) => r.type === "person" && r.fields.name === "Karel Visser").record;
    bea.put("note", { kind: "fact", text: "Karel stond weer voor de deur.", about: [karel] });
    const old = family.caseId;
    for (const open of family.office.json(["conflict", "list"]))
      family.decide(open, `value=${JSON.stringify(open.effective)}`, "Afgedaan voor de wissing.");
    const done = family.office.json(["case", "erase", old, "--part", karel, "--reason",
      "recht op wissing", "--confirm"]);
    family.caseId = done.anew;
    await until("the tablets have the case without him, and the note is kept", () => {
      for (const tablet of family.list) tablet.run(["sync", "--once"]);
      return family.list.every((tablet) => tablet.run(["case", "show", old]).code === 10 &&
        tablet.run(["case", "show", done.anew]).code === 0) &&
        family.office.json(["device", "quarantine"]).length > 0;
    }, 60000);
    const [kept, ...more] = family.office.json(["device", "quarantine"]);
    assert.deepEqual(more, []);
    assert.deepEqual([kept.case, kept.device, kept.reason], [old, bea.device, "erased"]);
    assert.equal(family.office.json(["device", "quarantine", "show", kept.change]).readable, false);
    for (const tablet of family.list) {
      assert.doesNotMatch(JSON.stringify(tablet.shown()), /Karel Visser|voor de deur/);
      assert.equal(tablet.json(["status"]).unsent, 0);
    }
  });
