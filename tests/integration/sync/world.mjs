// An agency with the real server, tablets with the real client, and a proxy between them that cuts.
// Shared by the tests of this folder: node TEST CLIENT SERVER.
import { strict as assert } from "node:assert";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { World, program } from "../cli/world.mjs";

export { ID, DOSSIER, members } from "../cli/world.mjs";
export const serverProgram = process.argv[3];
export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// A server that runs, or a proxy that listens, would keep the test from ending.
const worlds = [];
const end = () => {
  while (worlds.length > 0) worlds.pop().end();
};
after(end);
process.on("exit", end);

export class Agency {
  constructor(name = "Veilig Thuis Proef") {
    this.parent = mkdtempSync(join(tmpdir(), "veldkit-sync-"));
    this.dir = join(this.parent, "agency");
    worlds.push(this);
    this.json(["init", "--name", name]);
  }

  run(words, { env = {}, input = "" } = {}) {
    const verb = ["device", "case", "conflict"].includes(words[0]) ? 2 : 1;
    const command = [...words.slice(0, verb), "--dir", this.dir, ...words.slice(verb)];
    const done = spawnSync(serverProgram, command, { encoding: "utf8", input,
      env: { ...process.env, ...env } });
    // A program that ends before it has read its input is no failure of the test.
    if (done.error && done.error.code !== "EPIPE") throw done.error;
    return { code: done.status, out: done.stdout, err: done.stderr };
  }

  json(words, options) {
    const done = this.run([...words, "--json"], options);
    assert.equal(done.code, 0, `veldkit-server ${words.join(" ")}: ${done.out}${done.err}`);
    return JSON.parse(done.out);
  }

  // Listens where it did before, so that tablets find it again.
  async serve(words = this.url ? ["--listen", this.url.slice("https://".length)] : []) {
    const child = spawn(serverProgram, ["serve", "--dir", this.dir, "--json", ...words],
      { stdio: ["ignore", "pipe", "pipe"], detached: true });
    this.server = child;
    this.ended = new Promise((done) => child.on("exit", done));
    let out = "", errors = "";
    child.stderr.on("data", (text) => { errors += text; });
    await new Promise((done, failed) => {
      child.stdout.on("data", (text) => {
        out += text;
        if (out.includes("\n")) done();
      });
      child.on("exit", () => failed(new Error(`the server ended: ${out}${errors}`)));
    });
    this.url = JSON.parse(out.split("\n")[0]).url;
  }

  async stop(signal = "SIGTERM") {
    process.kill(signal === "SIGKILL" ? -this.server.pid : this.server.pid, signal);
    await this.ended;
    this.server = null;
  }

  invite(worker, proxy) {
    const { code } = this.json(["device", "invite", "--worker", worker]);
    return proxy ? code.replace(/^[^#]*/, `https://127.0.0.1:${proxy.port}`) : code;
  }

  stateId(id) {
    return this.json(["case", "show", id]).stateId;
  }

  end() {
    try {
      if (this.server) process.kill(-this.server.pid, "SIGKILL");
    } catch { /* it ended by itself */ }
    rmSync(this.parent, { recursive: true, force: true });
  }
}

export class Tablet extends World {
  // Runs beside the test, so that its proxy can work. Returns {code, signal, out, err}.
  start(words, { env = {}, running } = {}) {
    return new Promise((done) => {
      const child = spawn(program, ["--home", this.home, "--pin-file", this.pin, "--no-input", ...words],
        { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
      let out = "", err = "";
      child.stdout.on("data", (text) => { out += text; });
      child.stderr.on("data", (text) => { err += text; });
      if (running) running(child);
      child.on("close", (code, signal) => done({ code, signal, out, err }));
    });
  }

  enrol(code, options) {
    return this.json(["enrol", code, "--quick-pin", "--quiet"], options);
  }

  sync(options) {
    return this.json(["sync", "--once"], options);
  }

  stateId(id) {
    return this.json(["case", "show", id]).stateId;
  }

  // Of the first record of a type.
  record(id, type) {
    return this.json(["case", "show", id]).records.find((r) => r.type === type).record;
  }

  set(id, record, ...assignments) {
    return this.json(["record", "set", id, record, ...assignments]).change;
  }
}

// Carries bytes to the agency's server; `plan` says of each connection, from the first on, where it
// is cut: {up: N} or {down: N} bytes, {refused: true}, or {held: true} for one on which nothing
// moves. After the plan all goes through.
export class Proxy {
  static async open(agency) {
    const proxy = new Proxy();
    proxy.agency = agency;
    proxy.plan = [];
    proxy.onCut = null;
    proxy.onHeld = null;
    proxy.server = createServer((client) => proxy.#carry(client));
    await new Promise((done) => proxy.server.listen(0, "127.0.0.1", done));
    proxy.port = proxy.server.address().port;
    worlds.push(proxy);
    return proxy;
  }

  #carry(client) {
    const cut = this.plan.shift() ?? {};
    const left = { up: cut.up ?? Infinity, down: cut.down ?? Infinity };
    client.on("error", () => {});
    if (cut.refused) return client.destroy();
    if (cut.held) return this.onHeld?.();
    const server = connect(Number(new URL(this.agency.url).port), "127.0.0.1");
    server.on("error", () => client.destroy());
    server.on("close", () => client.destroy());
    client.on("close", () => server.destroy());
    const pass = (from, to, way) => {
      from.on("data", (bytes) => {
        this[way] += Math.min(bytes.length, left[way]);
        to.write(bytes.subarray(0, left[way]));
        left[way] -= bytes.length;
        if (left[way] > 0) return;
        // What was let through is to arrive before the end does.
        from.pause();
        to.end(() => {
          client.destroy();
          server.destroy();
        });
        if (this.onCut) this.onCut();
      });
    };
    pass(client, server, "up");
    pass(server, client, "down");
  }

  // Counts anew.
  start(...plan) {
    this.plan = plan;
    this.up = 0;
    this.down = 0;
  }

  end() {
    this.server.close();
  }
}
