// A program killed at a system call that changes something. Shared by the tests that do so.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

export const calls = ["pwrite64", "write", "fdatasync", "fsync", "rename", "unlink", "ftruncate",
  "link", "mkdir", "rmdir"];

export function skipWithoutTrace() {
  if (spawnSync("strace", ["-o", "/dev/null", "true"]).status !== 0) {
    console.log("skipped: strace is not installed or not allowed");
    process.exit(77);
  }
  // What the sanitizer does at start is not ours to test, and it may not be traced.
  process.env.ASAN_OPTIONS = (process.env.ASAN_OPTIONS ?? "") + ":detect_leaks=0";
}

// Both are put before the program: it is killed at the n-th call; its calls are written down. What it
// starts (who hands in when the vault is shut) is not followed: that lives on for hours.
export const killAt = (call, n) => ["strace", "-qq", "-o", "/dev/null", "-e", `trace=${call}`,
  "-e", `inject=${call}:signal=SIGKILL:when=${n}`];
export const writeDown = (file) =>
  ["strace", "-qq", "-o", file, "-e", `trace=${calls.join(",")}`];

// How often each call was made in a run that was written down.
export function countCalls(file) {
  const lines = readFileSync(file, "utf8").split("\n");
  return Object.fromEntries(calls.map((call) =>
    [call, lines.filter((line) => line.startsWith(`${call}(`)).length]));
}

export const wasKilled = (done) => done.signal === "SIGKILL" || done.code === 137;
