// Killed at a system call that changes something, over and over through a visit: what was
// acknowledged is there, what was not is there whole or not at all, and the store is sound.
// Each step of the visit starts from a copy of what the steps before left. VELD_KILL_STRIDE=1 tries
// every call; unset, a part of them.
import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { calls, countCalls, killAt, skipWithoutTrace, wasKilled, writeDown } from "./kill.mjs";
import { DOSSIER, World, program } from "./world.mjs";

const stride = Number(process.env.VELD_KILL_STRIDE ?? 11);
skipWithoutTrace();

// How often each call is made when nobody kills: one run, so that none is made to find the end.
function counted(run) {
  const file = join(world.dir, "calls");
  const done = run(writeDown(file));
  assert.equal(done.code, 0, done.out + done.err);
  return countCalls(file);
}

const world = new World();
world.init();
const id = world.newCase();
const person = world.json(["case", "show", id]).records.find((r) => r.type === "person").record;

const open = { pin: false };

// All that can be seen of a store, in one text; `more` is run on it too, with the vault open.
function look(more = () => {}) {
  world.json(["unlock"]);
  assert.deepEqual(world.json(["fsck"], open).findings, []);
  const cases = world.json(["case", "list"], open);
  const seen = JSON.stringify([cases, cases.map((row) => world.json(["case", "show", row.case], open))]);
  const { changes } = world.json(["status"], open);
  more();
  world.json(["lock"], open);
  return { seen, changes };
}

// `words` killed at every so-manieth call; `settled` judges what is left against before and after.
function killed(words, prepare, settled) {
  let points = 0;
  prepare();
  const counts = counted((wrap) => world.run(words, { wrap }));
  for (const call of calls) {
    for (let n = 1 + (points % stride); n <= counts[call]; n += stride) {
      prepare();
      const done = world.run(words, { wrap: killAt(call, n) });
      if (!wasKilled(done)) {
        assert.equal(done.code, 0, `${call} ${n}: ${done.out}${done.err}`);
        break;
      }
      settled(`${words.join(" ")}, killed at ${call} ${n}`);
      points++;
    }
  }
  return points;
}

const saved = join(world.dir, "saved");
function restore() {
  rmSync(world.home, { recursive: true, force: true });
  cpSync(saved, world.home, { recursive: true });
}

const home = (persons) => ({ fields: { persons, whereabouts: "home", place: "Nergenshuizen" } });

// With how many changes each makes: a part of a dossier is founded in one transaction with its link.
const visit = [
  [2, ["case", "new", "--file", world.file("dossier.json",
    { records: [...DOSSIER.records, { type: "address", ...home(["#moeder"]) }] })]],
  [2, ["record", "put", id, "address", "--file", world.file("address.json", home([person]))]],
  [1, ["record", "put", id, "note", "--file",
    world.file("note.json", { fields: { kind: "fact", text: "x".repeat(15000) } })]],
  [1, ["record", "set", id, person, 'name="Ander"', "birthDate=\"1990-01-01\""]],
  [1, ["record", "delete", id, person]],
];

for (const [adds, words] of visit) {
  test(`${words.slice(0, 3).join(" ")} is whole or not there`, (t) => {
    cpSync(world.home, saved, { recursive: true });
    const before = look();
    const points = killed(words, restore, (where) => {
      const after = look(() => world.json(words, open)); // and it goes on
      if (after.changes === before.changes) assert.deepEqual(after, before, where);
      else assert.equal(after.changes, before.changes + adds, where);
    });
    t.diagnostic(`${points} points`);
    assert.ok(points > 0);
    restore();
    world.json(words);
    assert.equal(world.json(["status"]).changes, before.changes + adds);
    rmSync(saved, { recursive: true });
  });
}

test("init is whole or not there", () => {
  const fresh = new World();
  const words = ["init", "--local", "--quick-pin", "--quiet"];
  const counts = counted((wrap) => fresh.run(words, { wrap }));
  for (const call of calls) {
    for (let n = 1; n <= counts[call]; n += stride) {
      rmSync(fresh.home, { recursive: true, force: true });
      const done = fresh.run(words, { wrap: killAt(call, n) });
      if (!wasKilled(done)) break;
      if (existsSync(fresh.home)) assert.equal(fresh.run(["status"]).code, 0, `${call} ${n}`);
      else assert.equal(fresh.run(words).code, 0, `${call} ${n}`);
    }
  }
});

test("an export is whole or not there", () => {
  const dir = join(world.dir, "export");
  for (const call of ["write", "rename", "mkdir", "fsync"]) {
    for (let n = 1; ; n += stride * 3) {
      rmSync(dir, { recursive: true, force: true });
      const done = world.run(["export", id, dir], { wrap: killAt(call, n) });
      if (!wasKilled(done)) break;
      if (existsSync(dir)) assert.deepEqual(world.json(["verify", dir]).findings, []);
    }
  }
});

test("the owner killed in the middle of a visit loses nothing acknowledged", async () => {
  mkdirSync(saved);
  cpSync(world.home, saved, { recursive: true });
  for (const call of ["pwrite64", "fdatasync", "write"]) {
    for (let n = 2, ended = false; !ended; n += stride * 2) {
      restore();
      const command = [...killAt(call, n), program, "--home", world.home, "--pin-file", world.pin,
        "unlock"];
      const owner = spawn(command[0], command.slice(1), { stdio: "ignore" });
      const exited = new Promise((done) => owner.on("close", done));
      for (let i = 0; i < 200 && owner.exitCode === null && !existsSync(join(world.home, "socket")); i++)
        await sleep(10);
      const acknowledged = [];
      for (let i = 0; i < 4; i++) {
        const done = world.run(["record", "put", id, "person", "--json", "--no-input", "--file",
          world.file("p.json", { fields: { name: `Persoon ${i}` } })], open);
        if (done.code !== 0) break;
        acknowledged.push(JSON.parse(done.out).record);
      }
      ended = world.run(["lock", "--json"], open).out === '{"locked":true}\n';
      await exited;
      const there = world.json(["case", "show", id]).records.map((row) => row.record);
      for (const record of acknowledged) assert.ok(there.includes(record), `${call} ${n}`);
      assert.deepEqual(world.json(["fsck"]).findings, [], `${call} ${n}`);
    }
  }
});
