// A vault in a folder of its own, and the real program run on it. Shared by the tests of this folder.
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const program = process.argv[2];
export const PASSPHRASE = "kanarie-zwart 7 fiets onder regen";
export const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
export const HASH = /^[0-9a-f]{64}$/;
export const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d)$/;

const worlds = [];
process.on("exit", () => {
  for (const world of worlds) world.end();
});

export class World {
  // `wrap` is put before the program: strace, faketime.
  constructor({ parent = tmpdir(), env = {} } = {}) {
    this.dir = mkdtempSync(join(parent, "veldkit-cli-"));
    this.home = join(this.dir, "home");
    this.pin = join(this.dir, "pin");
    this.env = env;
    this.errors = ""; // all that was ever written to standard error
    writeFileSync(this.pin, PASSPHRASE + "\n");
    worlds.push(this);
  }

  file(name, content) {
    const path = join(this.dir, name);
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
    return path;
  }

  // Returns {code, signal, out, err}.
  run(words, { pin = true, input = "", wrap = [], env = {}, cwd = this.dir, home = this.home } = {}) {
    const own = ["--home", home, ...(pin ? ["--pin-file", this.pin] : [])];
    const command = [...wrap, program, ...own, ...words];
    const done = spawnSync(command[0], command.slice(1), {
      input, cwd, encoding: "utf8", maxBuffer: 1 << 28,
      env: { ...process.env, ...this.env, ...env },
    });
    // A program that ends before it has read its input is no failure of the test.
    if (done.error && done.error.code !== "EPIPE") throw done.error;
    this.errors += done.stderr;
    return { code: done.status, signal: done.signal, out: done.stdout, err: done.stderr };
  }

  // Runs with --json, which must succeed and answer exactly one line of JSON.
  json(words, options) {
    const done = this.run([...words, "--json"], options);
    assert.equal(done.code, 0, `veldkit ${words.join(" ")}: ${done.out}${done.err}`);
    assert.match(done.out, /^[^\n]+\n$/, `veldkit ${words.join(" ")} answers one line`);
    return JSON.parse(done.out);
  }

  // Runs with --json, which must fail so; returns the member "error".
  refused(words, code, status, options) {
    const done = this.run([...words, "--json"], options);
    const shown = `veldkit ${words.join(" ")}: ${done.code} ${done.out}${done.err}`;
    assert.equal(done.code, code, shown);
    const answer = JSON.parse(done.out);
    assert.deepEqual(Object.keys(answer), ["error"], shown);
    assert.equal(answer.error.status, status, shown);
    assert.ok(answer.error.text.length > 0, shown);
    return answer.error;
  }

  init(name = "A. de Vries", options) {
    return this.json(["init", "--local", "--quick-pin", "--name", name, "--quiet"], options);
  }

  newCase(dossier = DOSSIER, options) {
    return this.json(["case", "new", "--file", this.file("dossier.json", dossier)], options).case;
  }

  end() {
    spawnSync(program, ["--home", this.home, "--no-input", "lock"], { stdio: "ignore" });
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export const DOSSIER = {
  records: [
    { type: "case", fields: { title: "Meldpunt Dorpsstraat" } },
    { type: "person", ref: "moeder", fields: { name: "M. Bakker", roles: ["victim"] } },
    { type: "note", fields: { kind: "fact", text: "De buurvrouw belde.", about: ["#moeder"] } },
  ],
};

// The members of an object, sorted: answers have exactly these.
export function members(value, names) {
  assert.deepEqual(Object.keys(value).sort(), [...names].sort());
}

export function read(path) {
  return readFileSync(path);
}
