// Two workers on one tablet: a vault each under one folder. Neither sees, delays or changes anything
// of the other, whatever she types.
import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DOSSIER, World } from "./world.mjs";

const world = new World();
const pins = { anna: "kanarie-zwart 7 fiets onder regen", bea: "vierkant-oester 8 dak boven water" };

function as(worker, words, pin = pins[worker.toLowerCase()] ?? pins.anna) {
  const file = world.file(`pin-${worker.replace(/\W/g, "_").slice(0, 40)}`, `${pin}\n`);
  return world.run(["--worker", worker, "--pin-file", file, ...words, "--json"], { pin: false });
}

function json(worker, words) {
  const done = as(worker, words);
  assert.equal(done.code, 0, done.out + done.err);
  return JSON.parse(done.out);
}

// All that is in a worker's folder, but the number that is plain for everybody.
function hashOf(worker) {
  const hash = createHash("sha256"), folder = join(world.home, worker);
  for (const name of readdirSync(folder).sort()) hash.update(name).update(readFileSync(join(folder, name)));
  return hash.digest("hex");
}

const cases = {};

test("each makes a vault of her own and sees what is hers", () => {
  for (const worker of ["anna", "bea"]) {
    json(worker, ["init", "--local", "--quick-pin", "--quiet", "--name", `${worker} B.`]);
    cases[worker] = json(worker, ["case", "new", "--file", world.file("d.json", {
      records: [...DOSSIER.records, { type: "note", fields: { kind: "fact", text: `van ${worker}` } }],
    })]).case;
  }
  assert.deepEqual(readdirSync(world.home).sort(), ["anna", "bea"]);
  assert.deepEqual(json("Anna", ["case", "list"]).map((row) => row.case), [cases.anna]); // as typed
  assert.deepEqual(json("bea", ["case", "list"]).map((row) => row.case), [cases.bea]);
  assert.equal(as("anna", ["case", "show", cases.bea]).code, 10);
  // The author is who signed, whoever holds the tablet afterwards.
  assert.equal(json("anna", ["log", cases.anna])[0].worker, "anna B.");
  assert.equal(json("bea", ["log", cases.bea])[0].worker, "bea B.");
  assert.notEqual(json("anna", ["status"]).device, json("bea", ["status"]).device);
});

test("neither opens, delays or changes the other's", () => {
  const before = hashOf("bea");
  assert.equal(as("anna", ["status"], pins.bea).code, 5);
  for (let i = 0; i < 2; i++) as("anna", ["status"], "zomaar iets anders 4 wolk");
  const waits = as("anna", ["status"]);
  assert.equal(JSON.parse(waits.out).error.status, "wait");
  assert.equal(hashOf("bea"), before, "nothing of hers was touched");
  json("bea", ["case", "list"]); // at once
  assert.equal(as("carla", ["status"]).code, 6);
  assert.ok(!existsSync(join(world.home, "carla")));
});

test("both can be open at once, and lock is one's own", () => {
  writeFileSync(join(world.home, "anna", "attempts"), "");
  const owners = ["anna", "bea"].map((worker) => json(worker, ["unlock"]).owner);
  assert.notEqual(owners[0], owners[1]);
  const plain = (worker, words) =>
    JSON.parse(world.run(["--worker", worker, ...words, "--json"], { pin: false }).out);
  assert.deepEqual(plain("anna", ["case", "list"]).map((row) => row.case), [cases.anna]);
  assert.deepEqual(plain("bea", ["case", "list"]).map((row) => row.case), [cases.bea]);
  assert.deepEqual(plain("anna", ["lock"]), { locked: true });
  assert.deepEqual(JSON.parse(world.run(["worker", "list", "--json"], { pin: false }).out),
    [{ locked: true, unsent: 1, worker: "anna" }, { locked: false, unsent: 1, worker: "bea" }]);
  assert.equal(plain("bea", ["status"]).owner, owners[1]);
  plain("bea", ["lock"]);
});

test("who does not say who she is, is asked", () => {
  const refused = world.refused(["status", "--no-input"], 2, "invalid", { pin: false });
  assert.match(refused.detail, /--worker: anna, bea/);
  world.refused(["init", "--local", "--quick-pin"], 2, "invalid");
  for (const name of ["../bea", "", "x".repeat(90)])
    assert.notEqual(as(name, ["status"], pins.bea).code, 0, name);
  assert.equal(as("../bea", ["status"], pins.bea).code, 6); // a folder called ---bea, which is not there
  // The only one need not be named, and a folder that is one vault has no workers in it.
  const single = new World();
  const file = single.file("p", `${pins.anna}\n`);
  const run = (words) => single.run(["--pin-file", file, ...words, "--json"], { pin: false });
  assert.equal(run(["--worker", "Anna de Wit", "init", "--local", "--quick-pin"]).code, 0);
  assert.deepEqual(readdirSync(single.home), ["anna-de-wit"]);
  assert.equal(run(["case", "list"]).code, 0);
  const alone = new World();
  alone.init();
  alone.refused(["--worker", "anna", "status"], 2, "invalid");
});
