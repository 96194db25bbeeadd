// The server's secrets at rest: as files, as systemd's credentials, in a TPM; what is missing is named.
// What status tells of keys, and the sample unit.
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { SoftTpm } from "../cli/tpm.mjs";
import { Agency, Tablet, dossier } from "./world.mjs";

const agency = new Agency();
after(() => agency.end());
agency.init();
const credentials = join(agency.parent, "credentials");
mkdirSync(credentials, { mode: 0o700 });
const files = [["merger", "secret"], ["relay", "tls.key"], ["relay", "receipt.key"]];
const place = ([folder, name]) => join(agency.dir, folder, name);
const credential = ([folder, name]) => join(credentials, `veldkit.${folder}.${name}`);

test("keys are read from systemd's credentials when they are not in the folder", async () => {
  for (const file of files) renameSync(place(file), credential(file));
  const error = agency.refused(["status"], 10, "not-found");
  assert.match(error.detail, /merger\/?.*secret.*veldkit\.merger\.secret|secret.*veldkit\.merger\.secret/);
  const done = agency.run(["serve", "--json"]);
  assert.equal(done.code, 10, done.err);
  assert.match(done.err, /veldkit\.relay\.tls\.key/);

  process.env.CREDENTIALS_DIRECTORY = credentials;
  try {
    await agency.serve();
    const anna = new Tablet(agency, "Anna");
    anna.enrol();
    const id = anna.newCase(dossier("Credential", "alles werkt"));
    assert.equal(anna.sync().takenIn, 1);
    assert.equal(agency.json(["case", "show", id]).case, id);
    const status = agency.json(["status"]);
    assert.deepEqual([status.relay, status.merger, status.lastBackup], [true, true, null]);
    assert.deepEqual(status.keys.map((row) => row.key), ["seal", "relay", "ca", "admin"]);
    assert.match(status.serverCertificateEnds, /^20\d\d-/);
    assert.equal(status.serverCertificateEndsSoon, false);
    await agency.stop();
    assert.deepEqual([agency.json(["status"]).relay, agency.json(["status"]).merger], [false, false]);

    // A change writes the new ones into the folder; these come before the credentials of before.
    agency.json(["keys", "change", "relay"]);
    await agency.serve();
    assert.equal(anna.sync().sent, 0);
    await agency.stop();
    // And the wrong one in a credential is told, not served.
    renameSync(place(files[2]), join(agency.parent, "receipt.key"));
    assert.match(agency.run(["serve", "--json"]).err, /receipt\.key/);
    renameSync(join(agency.parent, "receipt.key"), place(files[2]));
  } finally {
    delete process.env.CREDENTIALS_DIRECTORY;
  }
});

test("no bit of a secret can change", () => {
  const secret = readFileSync(credential(files[0]), "utf8");
  for (let at = 0; at < secret.length; at += 9) {
    const other = secret.slice(0, at) + (secret[at] === "A" ? "B" : "A") + secret.slice(at + 1);
    writeFileSync(place(files[0]), other);
    assert.equal(agency.run(["status"]).code, 5, `${at}`);
  }
  writeFileSync(place(files[0]), secret + "\n"); // as an editor leaves it
  assert.equal(agency.run(["status"]).code, 0);
});

test("with a TPM a copied folder opens nowhere else", { skip: !SoftTpm.isHere && "no swtpm" }, async () => {
  const tpm = new SoftTpm(), chip = new Agency();
  after(() => chip.end());
  assert.equal(chip.run(["init", "--name", "Met chip", "--keystore", "wolk"]).code, 2);
  chip.json(["init", "--name", "Met chip", "--keystore", tpm.keystore]);
  assert.equal(chip.json(["status"]).cases, 0);
  await chip.serve();
  assert.equal(chip.json(["device", "list"]).length, 0);
  await chip.stop();
  const copy = new Agency();
  after(() => copy.end());
  cpSync(chip.dir, copy.dir, { recursive: true });
  const other = new SoftTpm();
  writeFileSync(join(copy.dir, "merger", "tpm"), other.keystore.slice("tpm2:".length));
  assert.equal(copy.run(["status"]).code, 6);
});

test("the sample unit is sound, and leaves little open", (t) => {
  const unit = fileURLToPath(new URL("../../../sync-server/systemd/veldkit-server.service", import.meta.url));
  const text = readFileSync(unit, "utf8");
  for (const file of files) assert.ok(text.includes(`veldkit.${file.join(".")}:`), file.join("/"));
  if (spawnSync("systemd-analyze", ["--version"]).status !== 0) return t.skip("no systemd-analyze");
  const verified = spawnSync("systemd-analyze", ["verify", "--man=no", unit], { encoding: "utf8" });
  const told = verified.stderr.split("\n").filter((line) =>
    line.includes("veldkit-server.service") && !line.includes("not executable"));
  assert.deepEqual(told, []);
  const judged = spawnSync("systemd-analyze", ["security", "--offline=true", "--threshold=25", unit],
    { encoding: "utf8" });
  if (/unrecognized option|Unknown/.test(judged.stderr)) return t.skip("an older systemd-analyze");
  assert.equal(judged.status, 0, judged.stdout.split("\n").slice(-3).join(""));
});
