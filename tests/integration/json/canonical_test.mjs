// Our canonical form against the npm package `canonicalize`, on random documents: same bytes.
// Member names are shuffled and texts escaped at random on the way in.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { strict as assert } from "node:assert";

const modules = process.env.VELD_NODE_MODULES;
if (!modules || !existsSync(`${modules}/canonicalize`)) {
  console.log("skipped: the test packages are not installed (tests/node/install.sh)");
  process.exit(77);
}
const canonicalize = createRequire(`${modules}/`)("canonicalize");
const program = process.argv[2];

// A generator with a fixed seed (mulberry32), so that a failure repeats.
let seed = 8785;
function random() {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const below = (bound) => Math.floor(random() * bound);

const ranges = [[0x01, 0x7f], [0x20, 0x7e], [0x80, 0x7ff], [0x800, 0xd7ff], [0xe000, 0xfdcf],
  [0xfdf0, 0xfffd], [0x10000, 0x1fffd], [0x100000, 0x10fffd]];
function text() {
  let out = "";
  for (let i = below(8); i > 0; i--) {
    const [least, most] = ranges[below(ranges.length)];
    const point = least + below(most - least + 1);
    if ((point & 0xfffe) !== 0xfffe) out += String.fromCodePoint(point);
  }
  return out;
}
function integer() {
  const value = Math.floor(random() * 2 ** below(54));
  return below(2) && value !== 0 ? -value : value;
}
function value(depth) {
  switch (below(depth > 0 ? 7 : 4)) {
    case 0: return [null, true, false][below(3)];
    case 1: return integer();
    case 2: case 3: return text();
    case 4: return Array.from({ length: below(5) }, () => value(depth - 1));
    default: {
      const members = Array.from({ length: below(below(6) === 0 ? 40 : 6) },
        () => [text(), value(depth - 1)]);
      return Object.fromEntries(members);
    }
  }
}

function textAsWritten(string) {
  let out = "";
  for (const unit of string.split("")) {
    const code = unit.charCodeAt(0);
    const half = code >= 0xd800 && code <= 0xdfff; // escaped always, so that pairs stay together
    if (half || code < 0x20 || unit === '"' || unit === "\\" || below(4) === 0)
      out += "\\u" + code.toString(16).padStart(4, "0");
    else out += unit;
  }
  return `"${out}"`;
}
function asWritten(v) {
  if (typeof v === "string") return textAsWritten(v);
  if (Array.isArray(v)) return `[${v.map(asWritten).join(" , ")}]`;
  if (v === null || typeof v !== "object") return JSON.stringify(v);
  const members = Object.entries(v).map((m) => [random(), m]).sort((a, b) => a[0] - b[0]);
  return `{${members.map(([, [n, c]]) => `${textAsWritten(n)}: ${asWritten(c)}`).join(",")}}`;
}

const values = Array.from({ length: 5000 }, () => value(4));
const run = spawnSync(program, { input: values.map((v) => asWritten(v) + "\n").join(""),
  maxBuffer: 1 << 28 });
assert.equal(run.status, 0, `${program}: ${run.error ?? run.signal ?? run.status}`);
const lines = run.stdout.toString("utf8").split("\n");
assert.equal(lines.length, values.length + 1);
values.forEach((v, i) => assert.equal(lines[i], canonicalize(v), `document ${i}`));
console.log(`${values.length} documents alike`);
