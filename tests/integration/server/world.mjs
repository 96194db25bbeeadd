// An agency in a folder of its own with the real server, and tablets with the real client. Shared by
// the tests of this folder: node TEST SERVER CLIENT.
import { strict as assert } from "node:assert";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

export const [serverProgram, clientProgram] = process.argv.slice(2);
export const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const PASSPHRASE = "kanarie-zwart 7 fiets onder regen";

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// Until `look` gives something true; fails after `most_ms`.
export async function until(what, look, most_ms = 20000) {
  const end = Date.now() + most_ms;
  for (;;) {
    const found = await look();
    if (found) return found;
    assert.ok(Date.now() < end, `in time: ${what}`);
    await pause(50);
  }
}

const agencies = [];
const endAll = () => {
  for (const agency of agencies) agency.end();
};
after(endAll); // also when a test failed: a server that runs keeps this process
process.on("exit", endAll);

export class Agency {
  constructor({ parent = tmpdir() } = {}) {
    this.parent = mkdtempSync(join(parent, "veldkit-server-"));
    this.dir = join(this.parent, "agency");
    this.lines = [];
    this.errors = "";
    agencies.push(this);
  }

  // Returns {code, out, err}.
  run(words, { input = "" } = {}) {
    const [first, second, ...rest] = words;
    const two = ["audit", "device", "case", "conflict", "keys", "user"].includes(first);
    const command = two ? [first, second, "--dir", this.dir, ...rest]
      : [first, "--dir", this.dir, ...words.slice(1)];
    const done = spawnSync(serverProgram, command, { encoding: "utf8", input });
    // A program that ends before it has read its input is no failure of the test.
    if (done.error && done.error.code !== "EPIPE") throw done.error;
    return { code: done.status, out: done.stdout, err: done.stderr };
  }

  json(words, options) {
    const done = this.run([...words, "--json"], options);
    assert.equal(done.code, 0, `${words.join(" ")}: ${done.out}${done.err}`);
    assert.match(done.out, /^[^\n]+\n$/, `${words.join(" ")} answers one line`);
    return JSON.parse(done.out);
  }

  refused(words, code, status, options) {
    const done = this.run([...words, "--json"], options);
    assert.equal(done.code, code, `${words.join(" ")}: ${done.out}${done.err}`);
    const { error } = JSON.parse(done.out);
    assert.equal(error.status, status, done.out);
    return error;
  }

  help(verb) {
    return spawnSync(serverProgram, [...verb, "--help"], { encoding: "utf8" }).stdout;
  }

  init() {
    return this.json(["init", "--name", "Veilig Thuis Proef"]);
  }

  // Resolves with the url when it listens. `command` is what starts the server.
  async serve(words = [], command = [serverProgram]) {
    this.lines = [];
    const [program, ...first] = command;
    const child = spawn(program, [...first, "serve", "--dir", this.dir, "--json", ...words],
      { stdio: ["ignore", "pipe", "pipe"] });
    this.server = child;
    this.ended = new Promise((done) => child.on("exit", (code, signal) => done({ code, signal })));
    let rest = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      this.lines.push(...lines.map((line) => JSON.parse(line)));
    });
    child.stderr.setEncoding("utf8").on("data", (text) => { this.errors += text; });
    let over = null;
    this.ended.then((how) => { over = how; });
    await until("the server listens", () => this.lines.length > 0 || over);
    assert.equal(over, null, `the server ended: ${JSON.stringify(over)} ${this.errors}`);
    assert.equal(this.lines[0].event, "listening");
    this.url = this.lines[0].url;
    return this.url;
  }

  async stop(signal = "SIGTERM") {
    this.server.kill(signal);
    const how = await this.ended;
    this.server = null;
    return how;
  }

  // The process of "relay" or "merger".
  pid(role) {
    const mine = String(this.server.pid);
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        if (stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] === mine && command[2] === role)
          return Number(pid);
      } catch { /* it went away while we looked */ }
    }
    return null;
  }

  end() {
    if (this.server) this.server.kill("SIGKILL");
    rmSync(this.parent, { recursive: true, force: true });
  }
}

// One worker's vault.
export class Tablet {
  constructor(agency, worker) {
    this.agency = agency;
    this.worker = worker;
    this.home = join(agency.parent, `tablet-${worker}`);
    this.pin = join(agency.parent, "pin");
    if (!existsSync(this.pin)) writeFileSync(this.pin, PASSPHRASE + "\n");
  }

  run(words) {
    const command = ["--home", this.home, "--pin-file", this.pin, ...words, "--json"];
    const done = spawnSync(clientProgram, command, { encoding: "utf8", input: "" });
    // A program that ends before it has read its input is no failure of the test.
    if (done.error && done.error.code !== "EPIPE") throw done.error;
    return { code: done.status, out: done.stdout, err: done.stderr };
  }

  json(words) {
    const done = this.run(words);
    assert.equal(done.code, 0, `${words.join(" ")}: ${done.out}${done.err}`);
    return JSON.parse(done.out);
  }

  // What a person reads.
  text(words) {
    const done = spawnSync(clientProgram, ["--home", this.home, "--pin-file", this.pin, ...words],
      { encoding: "utf8", input: "" });
    assert.equal(done.status, 0, `${words.join(" ")}: ${done.stdout}${done.stderr}`);
    return done.stdout;
  }

  refused(words, code, status) {
    const done = this.run(words);
    assert.equal(done.code, code, `${words.join(" ")}: ${done.out}${done.err}`);
    const { error } = JSON.parse(done.out);
    assert.equal(error.status, status, done.out);
    return error;
  }

  help(verb) {
    return spawnSync(clientProgram, [...verb, "--help"], { encoding: "utf8" }).stdout;
  }

  // With a code of the office, or a fresh one.
  enrol(code = this.agency.json(["device", "invite", "--worker", this.worker]).code) {
    const made = this.json(["enrol", code, "--quick-pin", "--name", this.worker]);
    this.device = made.device;
    return made;
  }

  sync() {
    return this.json(["sync", "--once"]);
  }

  newCase(dossier) {
    const path = join(this.agency.parent, "dossier.json");
    writeFileSync(path, JSON.stringify(dossier));
    return this.json(["case", "new", "--file", path]).case;
  }
}

export const dossier = (title, text) => ({
  records: [
    { type: "case", fields: { title } },
    { type: "note", fields: { kind: "fact", text } },
  ],
});
