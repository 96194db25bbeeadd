// The root key on paper: printed, typed in with every kind of mistake, put back, moved away.
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Agency, serverProgram } from "./world.mjs";

const agency = new Agency();
const made = agency.init();
const root = join(agency.dir, "root");
const stick = join(agency.parent, "stick");
const key = readFileSync(join(root, "root.key"), "utf8");

// With `input` on standard input. Returns {code, out, err}.
function type(words, input, dir = agency.dir) {
  const done = spawnSync(serverProgram, ["keys", words[0], "--dir", dir, ...words.slice(1)],
    { encoding: "utf8", input });
  return { code: done.status, out: done.stdout, err: done.stderr };
}

assert.equal(agency.json(["status"]).rootHere, true);
const sheet = agency.json(["keys", "print"]);
assert.equal(sheet.agency, made.agency);
assert.equal(sheet.root.length, 7);
assert.equal(sheet.recovery.length, 7);
for (const line of [...sheet.root, ...sheet.recovery]) assert.match(line, /^\d\.( [a-z]+){5}$/);
const paper = sheet.root.join("\n");
assert.ok(agency.run(["keys", "print"]).out.includes(sheet.root[6] + "\n"));

// A person types without numbers, in capitals, with empty lines.
const typed = sheet.root.map((line) => line.slice(2).toUpperCase()).join("\n\n");
assert.deepEqual(JSON.parse(type(["check", "--json"], typed).out), { agency: made.agency, key: "root" });
assert.equal(type(["check"], sheet.recovery.join("\n")).code, 0);

// Each kind of mistake is named by its line, and nothing that was typed is repeated.
const wrong = (text, what) => {
  const done = type(["check"], text);
  assert.equal(done.code, 2, done.err);
  assert.match(done.err, what);
};
const words = sheet.root.map((line) => line.slice(3).split(" "));
const other = (line, at, word) => words.map((row, i) =>
  row.map((old, k) => (i === line && k === at ? word : old)).join(" ")).join("\n");
wrong(other(2, 3, words[2][3] === "egel" ? "eend" : "egel"), /regel 3 klopt niet/);
wrong(other(4, 0, "zaterdagen"), /regel 5, woord 1/);
wrong(sheet.root.slice(0, 6).join("\n"), /regel 7 heeft 0 woorden/);
wrong([sheet.root[1], sheet.root[0], ...sheet.root.slice(2)].join("\n"), /regel 1/);
wrong("", /regel 1 heeft 0 woorden/);
assert.doesNotMatch(type(["check"], other(4, 0, "zaterdagen")).err, /zaterdagen/);

// Another agency's root is refused, from paper and from a folder.
const second = new Agency();
second.init();
assert.equal(type(["check"], paper, second.dir).code, 2);
assert.equal(type(["print", "--root", root], "", second.dir).code, 2);

// Moved to another medium: status is content, and who wants the root is told what to do.
mkdirSync(stick);
renameSync(root, join(stick, "root"));
assert.equal(agency.json(["status"]).rootHere, false);
assert.match(type(["print"], "").err, /--root/);
assert.equal(type(["print", "--root", join(stick, "root")], "").code, 0);

// The medium is lost: from paper, in a file too, the same key comes back; nothing is written over.
rmSync(stick, { recursive: true });
const back = join(agency.parent, "back");
const file = join(agency.parent, "typed");
writeFileSync(file, paper);
assert.equal(type(["restore", "--root", back, "--paper", file], "").code, 0);
assert.equal(readFileSync(join(back, "root.key"), "utf8"), key);
assert.equal(type(["restore", "--root", back], paper).code, 1);
assert.equal(type(["restore", "--root", back], sheet.recovery.join("\n")).code, 0);
assert.ok(existsSync(join(back, "recovery.key")));
assert.deepEqual(JSON.parse(type(["print", "--root", back, "--json"], "").out), sheet);
const damaged = join(agency.parent, "damaged");
assert.equal(type(["restore", "--root", damaged], other(0, 0, "film")).code, 2);
assert.ok(!existsSync(damaged));
assert.equal(type(["check"], paper, join(agency.parent, "nowhere")).code, 10);
