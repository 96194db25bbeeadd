// What guards a vault: words that the program makes up, a PIN of digits where a chip counts attempts,
// the count of our own, a change of PIN, and a chip that is gone, cleared or another one.
import { strict as assert } from "node:assert";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { World } from "./world.mjs";
import { SoftTpm } from "./tpm.mjs";

const noPin = { pin: false };
const initial = ["init", "--local", "--quick-pin", "--quiet"];

// Runs with another PIN than the world's own.
function as(world, pin, words) {
  return world.run(["--pin-file", world.file("other-pin", `${pin}\n`), ...words, "--json"], noPin);
}

function status(world, pin) {
  const done = as(world, pin, ["status"]);
  return done.code === 0 ? "open" : JSON.parse(done.out).error.status;
}

test("a file takes no digits, and words are made up when asked for", () => {
  const world = new World();
  writeFileSync(world.pin, "402817\n");
  world.refused([...initial, "--keystore", "file"], 2, "weak");
  const made = world.json([...initial, "--keystore", "file", "--generate-passphrase"], noPin);
  assert.match(made.passphrase, /^([a-z]{4,9}-){5}[a-z]{4,9}$/);
  assert.equal(made.keystore, "file");
  assert.equal(status(world, made.passphrase), "open");
  assert.match(world.run(initial.slice(0, 3), { home: join(world.dir, "b") }).err, /--generate-passphrase/);
  const other = world.json([...initial, "--generate-passphrase"], { home: join(world.dir, "c"), pin: false });
  assert.notEqual(other.passphrase, made.passphrase);
  world.refused([...initial, "--keystore", "kluis"], 2, "invalid", { home: join(world.dir, "d") });
});

test("wrong attempts are counted, and the wait survives whatever process made them", () => {
  const world = new World();
  world.init();
  for (let i = 0; i < 3; i++) assert.equal(status(world, "een heel ander wachtwoord 44"), "wrong-pin");
  const refused = world.refused(["status"], 5, "wait"); // the right one, too soon
  assert.match(refused.detail, /3 verkeerde pogingen: wacht [1-5] seconden/);
  const file = join(world.home, "attempts");
  const bytes = readFileSync(file);
  bytes[30] ^= 1; // torn: counts as some, not as none
  writeFileSync(file, bytes);
  world.refused(["status"], 5, "wait");
  rmSync(file); // who can write in the folder can do this; SECURITY.md says so
  assert.equal(world.run(["status"]).code, 0);
});

test("a new PIN opens, the old one does not, and a wrong old one changes nothing", () => {
  const world = new World();
  world.init();
  const change = (pin, words) => as(world, pin, ["pin", "change", "--quick-pin", ...words]);
  const old = readFileSync(world.pin, "utf8").trim();
  const file = world.file("new", "vierkant-oester 8 dak boven water\n");
  assert.equal(change("zomaar iets anders 4 wolk", ["--new-pin-file", file]).code, 5);
  assert.equal(change(old, ["--new-pin-file", world.file("weak", "123456\n")]).code, 2);
  assert.equal(status(world, old), "open");
  assert.equal(change(old, ["--new-pin-file", file]).code, 0);
  assert.equal(status(world, old), "wrong-pin");
  assert.equal(status(world, "vierkant-oester 8 dak boven water"), "open");
  const made = JSON.parse(change("vierkant-oester 8 dak boven water", ["--generate-passphrase"]).out);
  assert.equal(status(world, made.passphrase), "open");
  // With the vault open the old one is asked for all the same.
  assert.equal(as(world, made.passphrase, ["unlock"]).code, 0);
  assert.equal(world.run(["pin", "change", "--no-input", "--new-pin-file", file], noPin).code, 5);
  assert.equal(change(made.passphrase, ["--new-pin-file", file]).code, 0);
  assert.equal(world.run(["status"], noPin).code, 0);
  world.json(["lock"], noPin);
  assert.equal(status(world, "vierkant-oester 8 dak boven water"), "open");
});

test("with a chip six digits do", { skip: !SoftTpm.isHere && "swtpm is not installed" }, () => {
  const world = new World(), tpm = new SoftTpm();
  writeFileSync(world.pin, "402817\n");
  const made = world.json([...initial, "--keystore", tpm.keystore]);
  assert.equal(made.keystore, "tpm2");
  assert.equal(world.json(["status"]).keystore, "tpm2");
  tpm.stop();
  tpm.start(); // the tablet was switched off
  assert.equal(status(world, "402817"), "open");
  assert.equal(as(world, "402817", ["pin", "change", "--quick-pin", "--new-pin-file",
    world.file("new", "739201\n")]).code, 0);
  assert.equal(status(world, "739201"), "open");

  // The folder alone is worth nothing: on another machine, with no TPM, or after this one is gone.
  writeFileSync(world.pin, "739201\n");
  tpm.stop();
  const silent = world.refused(["status"], 1, "io");
  assert.match(silent.detail, /antwoordt geen TPM/);
  tpm.start();
  assert.equal(world.run(["status"]).code, 0);
  const elsewhere = new World(), otherTpm = new SoftTpm();
  cpSync(world.home, elsewhere.home, { recursive: true });
  writeFileSync(elsewhere.pin, "739201\n");
  writeFileSync(join(elsewhere.home, "tpm"), otherTpm.keystore.slice("tpm2:".length) + "\n");
  assert.match(elsewhere.refused(["status"], 6, "wrong-device").detail, /TPM van een ander apparaat/);
  writeFileSync(join(elsewhere.home, "tpm"), "/tmp/evil.so\n");
  elsewhere.refused(["status"], 2, "invalid");

  assert.equal(status(world, "402817"), "wrong-pin"); // the PIN that was changed

  // Out of the chip, and into another one.
  assert.equal(as(world, "739201", ["pin", "change", "--keystore", "file", "--quick-pin",
    "--new-pin-file", world.file("new", "tulp kwark zeef molen stoep\n")]).code, 0);
  tpm.stop();
  assert.equal(status(world, "tulp kwark zeef molen stoep"), "open");
  assert.equal(as(world, "tulp kwark zeef molen stoep", ["pin", "change", "--keystore",
    otherTpm.keystore, "--quick-pin", "--new-pin-file", world.file("new", "402817\n")]).code, 0);
  assert.equal(status(world, "402817"), "open");
  otherTpm.renew();
  assert.equal(status(world, "402817"), "wrong-device");
});

test("every bit of a chip's file and of the vault's is told from a wrong PIN",
  { skip: !SoftTpm.isHere && "swtpm is not installed" }, () => {
    const world = new World(), tpm = new SoftTpm();
    writeFileSync(world.pin, "402817\n");
    world.json([...initial, "--keystore", tpm.keystore]);
    for (const name of ["vault", "keystore"]) {
      const path = join(world.home, name), whole = readFileSync(path);
      for (let offset = 0; offset < whole.length; offset += 31) {
        const bytes = Buffer.from(whole);
        bytes[offset] ^= 1 << (offset % 8);
        writeFileSync(path, bytes);
        assert.equal(status(world, "402817"), "damaged", `${name} ${offset}`);
      }
      writeFileSync(path, whole);
    }
    assert.equal(status(world, "402817"), "open");
  });
