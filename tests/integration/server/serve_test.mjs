// serve as a process: what it says, who may run beside it, and what happens to it.
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, renameSync, statSync, symlinkSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { Agency, ID, serverProgram, until } from "./world.mjs";

const [, , , , probe] = process.argv;

test("init makes a whole agency, once, for its own user only", () => {
  const agency = new Agency();
  const made = agency.init();
  assert.match(made.agency, ID);
  assert.equal(made.operator, "operator");
  for (const folder of ["", "root", "relay", "merger", "console"])
    assert.equal(statSync(join(agency.dir, folder)).mode & 0o777, 0o700, folder);
  for (const file of ["relay/journal.db", "relay/tls.key", "merger/secret", "root/root.key"])
    assert.equal(statSync(join(agency.dir, file)).mode & 0o777, 0o600, file);
  agency.refused(["init", "--name", "Andere"], 1, "exists");
  assert.equal(agency.json(["status"]).agency, made.agency);
  assert.equal(agency.json(["status"]).rootHere, true);
  assert.match(agency.run(["status"]).out, /Let op: de map root/);
  renameSync(join(agency.dir, "root"), join(agency.parent, "root"));
  assert.equal(agency.json(["status"]).rootHere, false);
});

test("without an agency every verb says so", () => {
  const agency = new Agency();
  for (const words of [["status"], ["case", "list"], ["device", "list"], ["serve"]])
    agency.refused(words, 10, "not-found");
});

test("help and the types of records need no agency", () => {
  const run = (...words) => spawnSync(serverProgram, words, { encoding: "utf8" });
  const help = run("help");
  assert.equal(help.status, 0);
  assert.equal(help.stdout, run("--help").stdout);
  const types = run("record", "types", "note");
  assert.equal(types.status, 0, types.stderr);
  assert.match(types.stdout, /^note +Notitie$/m);
});

test("a second server on the folder is told who has it", async () => {
  const agency = new Agency();
  agency.init();
  await agency.serve();
  const { detail } = agency.refused(["serve"], 1, "busy");
  assert.match(detail, new RegExp(`\\b${agency.server.pid}\\b`));
  assert.equal(agency.json(["status"]).serving, true);
  assert.deepEqual(await agency.stop(), { code: 0, signal: null });
  assert.equal(agency.json(["status"]).serving, false);
});

test("the address stays the same over a restart, and SIGINT stops cleanly too", async () => {
  const agency = new Agency();
  agency.init();
  const url = await agency.serve();
  assert.match(url, /^https:\/\/127\.0\.0\.1:\d+$/);
  assert.deepEqual(await agency.stop("SIGINT"), { code: 0, signal: null });
  assert.equal(await agency.serve(), url);
  await agency.stop();
});

test("who listens everywhere is called by the machine's name", async () => {
  const agency = new Agency();
  agency.init();
  const url = await agency.serve(["--listen", "0.0.0.0:0"]);
  assert.equal(new URL(url).hostname, hostname().toLowerCase());
  await agency.stop();
});

test("a part that is killed is started again, at the same address", async () => {
  const agency = new Agency();
  agency.init();
  await agency.serve();
  for (const role of ["relay", "merger"]) {
    const before = agency.pid(role);
    process.kill(before, "SIGKILL");
    await until(`${role} is there again`, () => agency.lines.some((l) => l.role === role));
    assert.equal(agency.lines.find((l) => l.role === role).event, "restarted");
    assert.notEqual(agency.pid(role), before);
  }
  assert.equal(agency.json(["status"]).serving, true);
  assert.equal(agency.json(["status"]).address, agency.url);
  await agency.stop();
});

test("when serve is killed its parts end, and the next one takes over", async () => {
  const agency = new Agency();
  agency.init();
  await agency.serve();
  const parts = [agency.pid("relay"), agency.pid("merger")];
  await agency.stop("SIGKILL");
  await until("the parts are gone", () => parts.every((pid) => !existsSync(`/proc/${pid}`) ||
    readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ")));
  await agency.serve();
  await agency.stop();
});

// The journal is put into the merger's folder, with a link to it in its place. The same file through
// a link that stays inside the relay's folder works, so what stops the relay is where it lies.
test("the relay cannot open a file in the merger's folder", async () => {
  const agency = new Agency();
  agency.init();
  const journal = join(agency.dir, "relay/journal.db");
  renameSync(journal, join(agency.dir, "relay/other.db"));
  symlinkSync(join(agency.dir, "relay/other.db"), journal);
  await agency.serve();
  await agency.stop();
  renameSync(join(agency.dir, "relay/other.db"), join(agency.dir, "merger/other.db"));
  renameSync(journal, join(agency.dir, "relay/link.old"));
  symlinkSync(join(agency.dir, "merger/other.db"), journal);
  const done = agency.run(["serve"]);
  assert.notEqual(done.code, 0);
  assert.match(done.err, /relay: .*journal: open/);
});

// What a process gets that stands behind the sandbox of a role.
const behind = (role, agency, victim) => {
  const folders = [join(agency.dir, "relay"), join(agency.dir, "merger")];
  const done = spawnSync(probe, [role, ...folders, String(victim)], { encoding: "utf8" });
  assert.equal(done.status, 0, done.stdout + done.stderr);
  return Object.fromEntries(done.stdout.trim().split("\n").map((line) =>
    [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)]));
};

const statusOf = (pid) => readFileSync(`/proc/${pid}/status`, "utf8");

test("a relay that was broken into reaches no administrator's socket, file, program or process", async (t) => {
  const agency = new Agency();
  agency.init();
  await agency.serve();
  const { sandbox } = agency.json(["status"]);
  if (!sandbox.files || !sandbox.calls) return t.skip("this machine has no Landlock or no seccomp");
  const no = "Operation not permitted", closed = "Permission denied";
  assert.deepEqual(behind("relay", agency, agency.server.pid), { files: "closed", calls: "closed",
    journal: "open", administrate: no, network: no, store: closed, secret: closed, process: no,
    ptrace: no, memory: no, signal: no, lent: no, chosen: no, queued: no, code: no, program: no });
  const merger = behind("merger", agency, agency.server.pid);
  assert.equal(merger.store, "open");
  assert.equal(merger.journal, closed);
  for (const what of ["network", "process", "ptrace", "memory", "signal", "lent", "chosen", "queued", "code",
    "program"])
    assert.equal(merger[what], no, what);
  for (const role of ["relay", "merger"]) {
    assert.match(statusOf(agency.pid(role)), /^Seccomp:\t2$/m, role);
    assert.match(statusOf(agency.pid(role)), /^NoNewPrivs:\t1$/m, role);
  }
  assert.deepEqual(await agency.stop(), { code: 0, signal: null });
  assert.equal(agency.json(["status"]).sandbox, undefined, "nobody serves");
});

test("where no filter may be set the server serves, and says what is missing", async (t) => {
  const agency = new Agency();
  agency.init();
  if (spawnSync(probe, ["without", "/bin/true"]).status !== 0) return t.skip("no seccomp here");
  await agency.serve([], [probe, "without", serverProgram]);
  assert.equal(agency.json(["status"]).sandbox.calls, false);
  assert.match(agency.run(["status"]).out, /Let op: .*\(seccomp\)/);
  await agency.stop();
  for (const role of ["relay", "merger"])
    assert.match(agency.errors, new RegExp(`seccomp filter.*the ${role} is not kept`), role);
});
