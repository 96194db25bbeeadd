// A software TPM in a folder of its own, for tests that want a chip; `SoftTpm.isHere` says whether
// there can be one.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const sleep = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
const all = [];
process.on("exit", () => {
  for (const tpm of all) tpm.end();
});

// Ended, also when nobody has asked yet how.
function hasEnded(pid) {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return true;
  }
}

export class SoftTpm {
  static get isHere() {
    return spawnSync("sh", ["-c", "command -v swtpm"]).status === 0;
  }

  constructor() {
    this.dir = mkdtempSync(join(tmpdir(), "veldkit-tpm-"));
    this.socket = join(this.dir, "socket");
    this.state = join(this.dir, "state");
    mkdirSync(this.state);
    all.push(this);
    this.start();
  }

  // What `--keystore` takes.
  get keystore() {
    return `tpm2:swtpm:path=${this.socket}`;
  }

  start() {
    this.child = spawn("swtpm", ["socket", "--tpm2", "--tpmstate", `dir=${this.state}`, "--server",
      `type=unixio,disconnect,path=${this.socket}`, "--ctrl", `type=unixio,path=${this.socket}.ctrl`,
      "--flags", "not-need-init,startup-clear"], { stdio: "ignore" });
    this.child.unref();
    for (let tries = 0; tries < 500 && !existsSync(this.socket); tries++) sleep(10);
  }

  stop() {
    this.child.kill("SIGKILL");
    // Until then it holds the lock of its state, and the next one ends at once.
    for (let tries = 0; tries < 500 && !hasEnded(this.child.pid); tries++) sleep(10);
    rmSync(this.socket, { force: true });
    rmSync(`${this.socket}.ctrl`, { force: true });
  }

  // As another machine, or after the TPM was thrown away.
  renew() {
    this.stop();
    rmSync(this.state, { recursive: true });
    mkdirSync(this.state);
    this.start();
  }

  end() {
    this.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
