// A full disk: a clear message, nothing half, and all goes on when there is space again. With root on
// a small file system of its own, otherwise under a limit on the size of files.
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync, openSync, writeSync, closeSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { World } from "./world.mjs";

// Root mounts in a name space of the test's own, so that nothing stays mounted however it ends.
const own = process.getuid() === 0 && process.env.VELD_OWN_MOUNTS !== "1" &&
  spawnSync("unshare", ["--mount", "true"]).status === 0;
if (own) {
  const done = spawnSync("unshare", ["--mount", process.execPath, ...process.argv.slice(1)],
    { stdio: "inherit", env: { ...process.env, VELD_OWN_MOUNTS: "1" } });
  process.exit(done.status ?? 1);
}

const world = new World();
const mount = join(world.dir, "disk");
mkdirSync(mount);
const mounted = process.env.VELD_OWN_MOUNTS === "1" &&
  spawnSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", mount]).status === 0;
process.prependListener("exit", () => mounted && spawnSync("umount", ["-l", mount]));
world.home = join(mount, "home");
world.init();
const id = world.newCase();
const filler = join(mount, "filler");
const note = (text) => ["record", "put", id, "note", "--file",
  world.file("note.json", { fields: { kind: "fact", text } })];
const big = note("lang ".repeat(3900));

function fill() {
  const fd = openSync(filler, "w");
  const block = Buffer.alloc(4096);
  try {
    for (;;) writeSync(fd, block);
  } catch (error) {
    assert.equal(error.code, "ENOSPC");
  } finally {
    closeSync(fd);
  }
}

function see(options) {
  return [world.json(["case", "show", id], options).stateId, world.json(["status"], options).changes];
}

test("a file that may not grow is told, and nothing is half", () => {
  const before = see();
  for (const blocks of [0, 8, 64, 120, 130]) {
    const done = world.run([...big, "--json"],
      { wrap: ["sh", "-c", `ulimit -f ${blocks}; exec "$@"`, "sh"] });
    if (done.code === 0) break; // large enough
    assert.equal(done.code, 1, done.out + done.err);
    assert.deepEqual(see(), before, `${blocks}`);
  }
  assert.deepEqual(world.json(["fsck"]).findings, []);
});

test("a full disk is told, and nothing is half", (t) => {
  if (!mounted) return t.skip("needs root for a file system of its own");
  const before = see();
  fill();
  const error = world.refused(big, 1, "full");
  assert.match(error.text, /schijf is vol/);
  rmSync(filler);
  assert.deepEqual(see(), before);
  assert.deepEqual(world.json(["fsck"]).findings, []);
  world.json(big);
});

test("the owner too goes on when there is space again", (t) => {
  if (!mounted) return t.skip("needs root for a file system of its own");
  world.json(["unlock"]);
  const bare = { pin: false };
  const before = see(bare);
  fill();
  for (let i = 0; i < 3; i++) world.refused(big, 1, "full", bare);
  // Reading goes on as long as it can be logged, which the room in the store's own file allows.
  const show = ["case", "show", id, "--json"];
  let shown = world.run(show, bare);
  for (let i = 0; i < 1000 && shown.code === 0; i++) shown = world.run(show, bare);
  assert.equal(shown.code, 1);
  assert.equal(JSON.parse(shown.out).error.status, "full");
  assert.match(shown.err, /inzage/);
  assert.equal(world.json(["status"], bare).changes, before[1]); // what is of no case is told
  rmSync(filler);
  world.json(big, bare);
  assert.equal(see(bare)[1], before[1] + 1);
  assert.deepEqual(world.json(["fsck"], bare).findings, []);
  world.json(["lock"], bare);
});

test("a vault that does not fit leaves nothing", (t) => {
  if (!mounted) return t.skip("needs root for a file system of its own");
  fill();
  const other = join(mount, "other");
  world.refused(["init", "--local", "--quick-pin", "--quiet"], 1, "full", { home: other });
  rmSync(filler);
  world.json(["init", "--local", "--quick-pin", "--quiet"], { home: other });
});
