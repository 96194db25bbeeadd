// What a worker types is nowhere on the disk in plain: not in the store, its write-ahead log, beside
// it, in temporary files, nor in what is said on standard error; with the vault open or locked, after
// a clean end and after a kill.
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { PASSPHRASE, World } from "./world.mjs";

const CANARY = "Kanariepiet-4711";
const world = new World();
const temporary = join(world.dir, "tmp");
mkdirSync(temporary);
world.env = { TMPDIR: temporary, SQLITE_TMPDIR: temporary };

const needles = [CANARY, PASSPHRASE].flatMap((text) => [
  Buffer.from(text, "utf8"), Buffer.from(text, "utf16le"),
  Buffer.from(Buffer.from(text).toString("hex")),
  Buffer.from(Buffer.from(text).toString("base64").slice(0, 16)),
]);

function files(dir) {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? files(join(dir, entry.name)) : entry.isFile() ? [join(dir, entry.name)] : []);
}

function nowhere(when) {
  const all = [...files(world.home), ...files(temporary)];
  assert.ok(all.some((path) => path.endsWith("store.db")));
  for (const path of all) {
    assert.equal(statSync(path).mode & 0o077, 0, `${path} is for its user only`);
    const bytes = readFileSync(path);
    for (const needle of needles) assert.ok(!bytes.includes(needle), `${path}, ${when}`);
  }
  for (const needle of needles) assert.ok(!world.errors.includes(needle.toString()), `said, ${when}`);
}

let id, person;

function work(options) {
  id = world.newCase({
    records: [
      { type: "case", fields: { title: CANARY, municipality: CANARY } },
      { type: "person", ref: "p", fields: { name: CANARY, phone: CANARY, safetyRemarks: [CANARY] } },
      { type: "note", fields: { kind: "fact", text: CANARY, about: ["#p"] } },
      { type: "visit", fields: { form: "homeVisit", workers: [CANARY], purpose: CANARY } },
    ],
  }, options);
  person = world.json(["case", "show", id], options).records.find((r) => r.type === "person").record;
  world.json(["record", "set", id, person, `name="${CANARY} twee"`], options);
  world.json(["record", "put", id, "note", "--file",
    world.file("n.json", { fields: { kind: "fact", text: `${CANARY} `.repeat(500) } })], options);
  for (const words of [["log", id, "--values"], ["blame", id, person], ["conflicts"], ["case", "list"],
    ["verify", id], ["fsck"]])
    world.json(words, options);
  // Refusals repeat nothing of what they refuse.
  world.run(["record", "set", id, person, `birthDate="${CANARY}"`], options);
  world.run(["record", "set", id, person, `${CANARY}`], options);
  world.run(["record", "put", id, "note", "--file", world.file("b.json", `{"fields":{"text":"${CANARY}"`)], options);
  world.run(["case", "show", CANARY], options);
}

test("the program was told the canary at all", () => {
  world.init(CANARY);
  work();
  assert.ok(world.run(["case", "show", id]).out.includes(CANARY));
  nowhere("locked");
});

test("many cases, so that the index makes its snapshot", () => {
  world.json(["unlock"]);
  for (let i = 0; i < 70; i++) world.newCase(undefined, { pin: false });
  world.json(["case", "list"], { pin: false });
  world.json(["lock"], { pin: false });
  nowhere("after the snapshot");
});

test("nowhere while the vault is open, nor after a kill", () => {
  const owner = world.json(["unlock"]).owner;
  work({ pin: false });
  nowhere("open");
  process.kill(owner, "SIGKILL");
  spawnSync("sleep", ["0.2"]);
  assert.ok(files(world.home).some((path) => path.endsWith("-wal")));
  nowhere("killed");
  world.json(["fsck"]);
  nowhere("recovered");
});

test("no core file, and not readable by other processes of the user", () => {
  const owner = world.json(["unlock"]).owner;
  assert.match(readFileSync(`/proc/${owner}/limits`, "utf8"), /Max core file size +0 +0 /);
  assert.equal(statSync(`/proc/${owner}/mem`).uid, 0); // the kernel's, not the user's
  world.json(["lock"], { pin: false });
});

test("files are written in the vault's folder and nowhere else", (t) => {
  if (process.getuid() !== 0) return t.skip("only root can look into the program");
  const trace = join(world.dir, "trace");
  const wrap = ["strace", "-f", "-qq", "-e", "trace=openat,open,creat,mkdir,rename", "-o", trace];
  if (spawnSync("strace", ["-o", "/dev/null", "true"]).status !== 0) return t.skip("needs strace");
  const options = { wrap, env: { ASAN_OPTIONS: (process.env.ASAN_OPTIONS ?? "") + ":detect_leaks=0" } };
  for (const words of [["record", "set", id, person, 'name="drie"'], ["case", "list"], ["fsck"]]) {
    assert.equal(world.run(words, options).code, 0);
    for (const line of readFileSync(trace, "utf8").split("\n")) {
      if (!/O_WRONLY|O_RDWR|O_CREAT|mkdir|rename/.test(line)) continue;
      assert.ok(line.includes(`"${world.home}`) || /"\/dev\/(null|tty|shm)|"\/proc\/self/.test(line), line);
    }
  }
});
