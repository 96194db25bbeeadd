// What a tablet asks the office for itself: certificates that are renewed before they are too old and
// long after, and the code with which staff let a worker in who forgot her PIN.
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Agency, Tablet } from "./world.mjs";
import { SoftTpm } from "../cli/tpm.mjs";

const lib = spawnSync("sh", ["-c", "ls /usr/lib/*/faketime/libfaketime.so.1"], { encoding: "utf8" });
const noClock = lib.status !== 0 && "libfaketime is not installed";
const clock = (at) => ({ LD_PRELOAD: lib.stdout.trim(), FAKETIME: at, FAKETIME_DONT_FAKE_MONOTONIC: "1",
  ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ""}:verify_asan_link_order=0` });

const NEW_PIN = "vierkant-oester 8 dak boven water";
const bare = { pin: false };

const agency = new Agency();
await agency.serve();

function enrolled(worker) {
  const tablet = new Tablet();
  tablet.device = tablet.enrol(agency.invite(worker)).device;
  return tablet;
}

// Under strace nothing can look for leaks.
const NO_LEAKS = { ASAN_OPTIONS: (process.env.ASAN_OPTIONS ?? "") + ":detect_leaks=0" };

// Unlocks with the office's code and takes the vault from there with the new PIN.
function recover(tablet, code, expected = 0, wrap = []) {
  const file = tablet.file("new-pin", `${NEW_PIN}\n`);
  const done = tablet.run(["unlock", "--recovery", code, "--new-pin-file", file, "--quick-pin",
    "--no-input", "--json"], { ...bare, wrap, env: wrap.length ? NO_LEAKS : {} });
  assert.equal(done.code, expected, done.out + done.err);
  return done.code === null ? null : JSON.parse(done.out);
}

test("the office's code opens the vault once, and sets a new PIN", () => {
  const tablet = enrolled("Anna"), other = enrolled("Bea");
  const id = tablet.newCase();
  const { code, device, used } = agency.json(["device", "recovery", tablet.device.slice(0, 13)]);
  assert.match(code, /^([0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{2}$/);
  assert.deepEqual([device, used], [tablet.device, null]);

  // Not on another tablet, and not a wrong one.
  assert.equal(recover(other, code, 5).error.status, "wrong-pin");
  const wrong = (code[0] === "A" ? "B" : "A") + code.slice(1);
  assert.equal(recover(tablet, wrong, 5).error.status, "wrong-pin");
  assert.equal(recover(tablet, "KORT", 2).error.status, "form");
  // Wrong PINs that somebody tried before do not keep her out.
  for (let i = 0; i < 3; i++)
    tablet.run(["--pin-file", tablet.file("bad", "zomaar iets anders 4 wolk\n"), "status"], bare);
  assert.equal(tablet.refused(["status"], 5, "wait").status, "wait");

  const typed = code.toLowerCase().replaceAll("-", " ");
  const { owner } = recover(tablet, typed);
  assert.ok(owner > 0);
  assert.equal(tablet.json(["case", "list"], bare)[0].case, id);
  tablet.json(["lock"], bare);
  tablet.refused(["status"], 5, "wrong-pin"); // the forgotten one
  writeFileSync(tablet.pin, `${NEW_PIN}\n`);
  assert.equal(tablet.json(["status"]).unsent, 1);

  // Once; and the files of the door are gone.
  assert.equal(recover(tablet, code, 10).error.status, "not-found");
  assert.ok(!existsSync(join(tablet.home, "recovery")));

  // At the next exchange the office hears of it and gets another code.
  assert.equal(tablet.sync().takenIn, 1);
  const next = agency.json(["device", "recovery", tablet.device]);
  assert.notEqual(next.code, code);
  assert.match(next.used, /^\d{4}-/);
  tablet.sync();
  assert.equal(agency.json(["device", "recovery", tablet.device]).code, next.code); // only then
  recover(tablet, next.code);
  tablet.json(["lock"], bare);
});

const canTrace = spawnSync("strace", ["-o", "/dev/null", "true"]).status === 0;
const DOOR = ["recovery", "recovery.keystore"];
const codeOf = (tablet) => agency.json(["device", "recovery", tablet.device]);

test("a code that was used opens nothing, whatever is put back, and the office hears of it", () => {
  const tablet = enrolled("Hugo"), copy = join(tablet.dir, "door");
  const putBack = () => DOOR.forEach((name) => cpSync(join(copy, name), join(tablet.home, name)));
  const { code } = codeOf(tablet);
  mkdirSync(copy);
  DOOR.forEach((name) => cpSync(join(tablet.home, name), join(copy, name)));
  recover(tablet, code);
  tablet.json(["lock"], bare);
  putBack();
  assert.equal(recover(tablet, code, 10).error.status, "not-found");
  writeFileSync(tablet.pin, `${NEW_PIN}\n`);
  tablet.sync();
  const next = codeOf(tablet);
  assert.notEqual(next.code, code);
  assert.match(next.used, /^\d{4}-/);
  putBack(); // a code of before, at the door of then
  assert.equal(recover(tablet, code, 10).error.status, "not-found");
});

// Before it is sure that the new PIN is there it works again; the office hears of it either way.
test("killed while the code is used", { skip: !canTrace && "strace is not installed or not allowed" }, () => {
  const tablet = enrolled("Ida"), trace = join(tablet.dir, "trace");
  let last = codeOf(tablet);
  recover(tablet, last.code, 0, ["strace", "-qq", "-o", trace, "-e", "trace=rename,unlink"]);
  tablet.json(["lock"], bare);
  writeFileSync(tablet.pin, `${NEW_PIN}\n`);
  const calls = (name) => readFileSync(trace, "utf8").split("\n").filter((line) => line.startsWith(name));
  const vault = calls("rename").findIndex((line) => line.includes('/vault"')) + 1;
  const door = calls("unlink").findIndex((line) => line.includes('/recovery"')) + 1;
  assert.ok(vault > 0 && door > 0, readFileSync(trace, "utf8"));
  for (const [call, n, works] of [["rename", vault, true], ["rename", vault + 1, true],
    ["unlink", door, false]]) {
    tablet.sync();
    const { code } = codeOf(tablet), where = `${call} ${n}`;
    assert.notEqual(code, last.code, where);
    last = codeOf(tablet);
    recover(tablet, code, null, ["strace", "-qq", "-o", trace, "-e", `trace=${call}`, "-e",
      `inject=${call}:signal=SIGKILL:when=${n}`]);
    assert.ok(existsSync(join(tablet.home, "recovery")), where);
    recover(tablet, code, works ? 0 : 10);
    tablet.run(["lock"], bare);
  }
  tablet.sync();
  assert.ok(codeOf(tablet).used > last.used);
});

test("the code is worth nothing without the tablet, nor the tablet's files without its chip",
  { skip: !SoftTpm.isHere && "swtpm is not installed" }, () => {
    const tpm = new SoftTpm(), otherTpm = new SoftTpm(), tablet = new Tablet();
    writeFileSync(tablet.pin, "402817\n");
    tablet.device = tablet.json(["enrol", agency.invite("Cor"), "--quick-pin", "--quiet",
      "--keystore", tpm.keystore]).device;
    const { code } = agency.json(["device", "recovery", tablet.device]);
    // All files, the code, and another TPM: what the office or a thief of a copy would have.
    const copy = new Tablet();
    cpSync(tablet.home, copy.home, { recursive: true });
    writeFileSync(join(copy.home, "tpm"), otherTpm.keystore.slice("tpm2:".length));
    assert.equal(recover(copy, code, 6).error.status, "wrong-device");
    const file = tablet.file("new-pin", "739201\n");
    const done = tablet.run(["unlock", "--recovery", code, "--new-pin-file", file, "--quick-pin",
      "--json"], bare);
    assert.equal(done.code, 0, done.out + done.err);
    tablet.json(["lock"], bare);
    writeFileSync(tablet.pin, "739201\n");
    assert.equal(tablet.json(["status"]).keystore, "tpm2");
  });

test("every bit of the door's files is damage", () => {
  const tablet = enrolled("Dirk");
  const { code } = agency.json(["device", "recovery", tablet.device]);
  for (const name of ["recovery", "recovery.keystore"]) {
    const path = join(tablet.home, name), whole = readFileSync(path);
    for (let offset = 0; offset < whole.length; offset += 17) {
      const bytes = Buffer.from(whole);
      bytes[offset] ^= 1 << (offset % 8);
      writeFileSync(path, bytes);
      assert.equal(recover(tablet, code, 8).error.status, "damaged", `${name} ${offset}`);
    }
    writeFileSync(path, whole);
  }
  assert.equal(tablet.run(["status"]).code, 0);
  assert.equal(agency.run(["device", "recovery", "ffffffff"]).code, 10);
});

// When the certificate that the tablet has ends, by what the server saw: asked of the vault's copy.
test("a certificate is renewed before it ends, and after two years of sleep", { skip: noClock }, async () => {
  const tablet = enrolled("Els"), colleague = enrolled("Fien");
  const hers = colleague.newCase();
  colleague.sync();
  const id = tablet.newCase();
  assert.equal(tablet.sync().takenIn, 1);
  const note = () => tablet.json(["case", "show", id]).records.find((r) => r.type === "note").record;
  const requests = () => agency.json(["device", "recovery", tablet.device]).kept;
  const first = requests();

  // Three years on, for both; the certificate of two years is long over. Work of the sleep is in it.
  tablet.json(["record", "set", id, note(), 'text="Geschreven voor de lange slaap."']);
  await agency.stop();
  const later = clock("+3y");
  Object.assign(process.env, later);
  try {
    await agency.serve();
    const done = tablet.sync();
    assert.deepEqual([done.sent, done.takenIn], [1, 1]);
    assert.equal(tablet.json(["status"]).unsent, 0);
    assert.equal(requests(), first); // a renewed certificate leaves the code alone
    // Who may hand in only gets nothing: a case that is assigned now arrives by the new certificate.
    assert.equal(agency.run(["case", "assign", hers, "Els"]).code, 0);
    assert.equal(tablet.sync().received, 1);
    assert.equal(tablet.stateId(hers), agency.stateId(hers));
  } finally {
    for (const name of Object.keys(later)) delete process.env[name];
    await agency.stop();
    await agency.serve();
  }
});
