// Stock git and our own check on an export, also of a case that was written by clocks that are wrong.
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { readdirSync, writeFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { World } from "./world.mjs";

function git(dir, ...words) {
  const done = spawnSync("git", ["-C", dir, ...words], {
    encoding: "utf8",
    env: { PATH: process.env.PATH, HOME: "/nonexistent", GIT_CONFIG_NOSYSTEM: "1" },
  });
  assert.equal(done.status, 0, `git ${words.join(" ")}: ${done.stdout}${done.stderr}`);
  return done.stdout + done.stderr;
}

function check(world, dir, changes) {
  git(dir, "fsck", "--strict");
  const commits = git(dir, "rev-list", "--topo-order", "main").trim().split("\n");
  assert.equal(commits.length, changes);
  for (const commit of commits)
    assert.match(git(dir, "verify-commit", commit), /Good "git" signature/);
  assert.ok(git(dir, "log", "--graph", "--format=%h %ad %s", "main").includes("Change 1"));
  const files = git(dir, "ls-tree", "-r", "--name-only", "main").trim().split("\n");
  for (const file of files) {
    assert.match(file, /^[a-z-]+\/[0-9a-f]{2}\/[0-9a-f-]{36}$/);
    const blame = git(dir, "blame", "--line-porcelain", "main", "--", file);
    assert.equal(blame.match(/^summary Change /gm).length,
      git(dir, "show", `main:${file}`).trim().split("\n").length);
  }
  assert.deepEqual(world.json(["verify", dir]).findings, []);
  return { commits, files };
}

test("an export passes stock git and our own check", () => {
  const world = new World();
  world.init();
  const id = world.newCase();
  const person = world.json(["case", "show", id]).records.find((r) => r.type === "person").record;
  for (const name of ["A", "B", "C"]) world.json(["record", "set", id, person, `name="${name}"`]);
  const dir = join(world.dir, "export");
  assert.deepEqual(world.json(["export", id, dir]),
    { apart: 0, case: id, dir, changes: 4, decisions: 0, leftOut: 0 });
  assert.deepEqual(readdirSync(dir).sort(), [".git", "LEESMIJ.txt", "allowed_signers"]);
  const { files } = check(world, dir, 4);
  assert.equal(files.length, 3);
  // git's blame and ours name the same number of the author's chain
  const file = files.find((path) => path.includes(person));
  const blamed = git(dir, "blame", "--line-porcelain", "main", "--", file)
    .match(/^summary Change \d+$/gm).map((line) => Number(line.slice(15))).sort();
  assert.deepEqual(world.json(["blame", id, person]).map((row) => row.number).sort(), blamed);

  world.refused(["export", id, dir], 1, "exists");
  world.refused(["export", id, join(world.dir, "no", "such")], 10, "not-found");
  assert.ok(!existsSync(join(world.dir, "no")));
  assert.deepEqual(readdirSync(world.dir).filter((name) => name.startsWith("export.")), []);
});

test("a changed export is found out", () => {
  const world = new World();
  world.init();
  const id = world.newCase();
  const dir = join(world.dir, "export");
  world.json(["export", id, dir]);
  const stranger = new World();
  stranger.init();
  const done = stranger.run(["verify", dir, "--json"]);
  assert.equal(done.code, 8, done.out); // not a device that is known there
  assert.ok(JSON.parse(done.out).findings.length > 0);

  git(dir, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "--allow-empty", "-qm", "extra");
  const extra = world.run(["verify", dir, "--json"]);
  assert.equal(extra.code, 8, extra.out);
  assert.ok(JSON.parse(extra.out).findings.length > 0);
  world.refused(["verify", world.dir], 10, "not-found");
});

test("wrong clocks leave git's answers right", (t) => {
  const lib = spawnSync("sh", ["-c", "ls /usr/lib/*/faketime/libfaketime.so.1"], { encoding: "utf8" });
  if (lib.status !== 0) return t.skip("libfaketime is not installed");
  const at = (time) => ({ env: { LD_PRELOAD: lib.stdout.trim(), FAKETIME: time, FAKETIME_DONT_FAKE_MONOTONIC: "1",
    TZ: "Europe/Amsterdam",
    ASAN_OPTIONS: (process.env.ASAN_OPTIONS ?? "") + ":verify_asan_link_order=0" } });
  const world = new World();
  world.init("A", at("2024-05-01 10:00:00"));
  const id = world.newCase(undefined, at("2024-05-01 10:01:00"));
  const person = world.json(["case", "show", id]).records.find((r) => r.type === "person").record;
  const clocks = ["2001-01-01 00:00:00", "2038-01-19 04:14:08", "1969-12-31 12:00:00",
    "1902-01-01 00:00:00", "2106-02-07 06:28:16", "2024-05-02 09:00:00"];
  clocks.forEach((clock, i) =>
    world.json(["record", "set", id, person, `name="${i}"`], at(clock)));
  const dir = join(world.dir, "export");
  world.json(["export", id, dir]);
  const { commits } = check(world, dir, clocks.length + 1);

  // By dates, by topology and by our own log the order is the same.
  assert.deepEqual(git(dir, "rev-list", "--date-order", "main").trim().split("\n"), commits);
  assert.deepEqual(git(dir, "rev-list", "main").trim().split("\n"), commits);
  assert.equal(git(dir, "merge-base", commits[0], commits[3]).trim(), commits[3]);
  const log = world.json(["log", id]);
  assert.deepEqual(log.map((change) => change.number), [7, 6, 5, 4, 3, 2, 1]);
  assert.match(log.find((change) => change.number === 2).time, /^2001-01-01T/);
  assert.match(log.find((change) => change.number === 4).time, /^1969-12-31T/);
  assert.equal(world.json(["record", "show", id, person]).fields.name, "5");
  assert.deepEqual(world.json(["fsck"]).findings, []);
});
