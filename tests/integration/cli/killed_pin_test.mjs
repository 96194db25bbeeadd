// A change of PIN killed at every system call that changes something: the old or the new PIN opens,
// never neither and never both, and it can be changed again.
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { World } from "./world.mjs";

const calls = ["pwrite64", "write", "fdatasync", "fsync", "rename", "unlink", "link"];
if (spawnSync("strace", ["-o", "/dev/null", "true"]).status !== 0) {
  console.log("skipped: strace is not installed or not allowed");
  process.exit(77);
}
process.env.ASAN_OPTIONS = (process.env.ASAN_OPTIONS ?? "") + ":detect_leaks=0";

const world = new World(), kept = join(world.dir, "kept");
world.init();
cpSync(world.home, kept, { recursive: true });
const newPin = world.file("new-pin", "schaap-lantaarn 4 zee onder glas\n");
const thirdPin = world.file("third-pin", "vierkant-oester 8 dak boven water\n");
const change = (from, to, wrap = []) => world.run(["--pin-file", from, "pin", "change",
  "--new-pin-file", to, "--quick-pin", "--json"], { pin: false, wrap });
const opens = (file) => world.run(["--pin-file", file, "status"], { pin: false }).code === 0;

test("after a change of PIN that was killed anywhere the old or the new one opens", (t) => {
  let points = 0, changed = 0, unsettled = 0;
  for (const call of calls) {
    for (let n = 1; ; n++) {
      rmSync(world.home, { recursive: true, force: true });
      cpSync(kept, world.home, { recursive: true });
      const done = change(world.pin, newPin, ["strace", "-f", "-qq", "-o", "/dev/null", "-e",
        `trace=${call}`, "-e", `inject=${call}:signal=SIGKILL:when=${n}`]);
      if (done.signal !== "SIGKILL" && done.code !== 137) {
        assert.equal(done.code, 0, `${call} ${n}: ${done.out}${done.err}`);
        break;
      }
      const left = existsSync(join(world.home, "keystore.next"));
      const young = opens(newPin);
      assert.equal(opens(world.pin), !young, `${call} ${n}: new ${young}`);
      // What was left behind is no hindrance.
      if (left) assert.equal(change(young ? newPin : world.pin, thirdPin).code, 0, `${call} ${n}`);
      points++;
      changed += young;
      unsettled += left;
    }
  }
  t.diagnostic(`${points} points, ${changed} after the change, ${unsettled} with two keystores`);
  assert.ok(points > changed && changed > 0 && unsettled > 0);
});

// The count is written before the PIN is tried, so a kill in between counts as a wrong one.
test("who asks the program to end takes back no guess, and a right PIN is no wrong one", () => {
  const wrongPin = world.file("wrong-pin", "een heel ander wachtwoord van zes woorden\n");
  const wrap = (rule, ...more) => ["strace", "-f", "-qq", "-o", "/dev/null", ...more, "-e", rule];
  const ended = wrap("inject=fdatasync:signal=SIGTERM:when=1");
  const afresh = () => {
    rmSync(world.home, { recursive: true, force: true });
    cpSync(kept, world.home, { recursive: true });
  };
  const status = (file, more) => world.run(["--pin-file", file, "status", "--json"],
    { pin: false, wrap: more });
  afresh();
  for (let i = 0; i < 5; i++) assert.notEqual(status(world.pin, ended).code, 0, "it was ended");
  assert.equal(status(world.pin).code, 0);
  for (let i = 0; i < 3; i++) assert.notEqual(status(wrongPin, ended).code, 0, "it was ended");
  assert.match(status(world.pin).out, /"wait"/);
  afresh();
  const sealed = status(world.pin, wrap("inject=openat:error=EROFS", "-P", join(world.home, "attempts")));
  assert.equal(sealed.code, 1, sealed.out + sealed.err);
  assert.match(sealed.out, /alleen te lezen/);
});
