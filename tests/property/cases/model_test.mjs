// The library against the model in model.mjs, over random histories: the same visible writes, values
// shown and conflicts. A difference fails with the smallest history that still shows it. Then each
// planted mistake (plant.h) must be found: a comparison that cannot fail compares nothing.
// VELD_HISTORIES sets how many histories are compared.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canonical, readCase } from "./model.mjs";

const program = process.argv[2];
const folder = join(process.env.VELD_SOURCE_DIR, "proto", "records");
const schemas = Object.fromEntries(readdirSync(folder).filter((name) => name.endsWith(".schema.json"))
  .map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")))
  .map((schema) => [schema.type, schema]));
const total = Number(process.env.VELD_HISTORIES ?? 400);
const LOT = 100; // histories at once

function run(args, input) {
  const done = spawnSync(program, args, { input, encoding: "utf8", maxBuffer: 1 << 30 });
  if (done.status !== 0)
    throw new Error(`${program} ${args.join(" ")}: ${done.error ?? done.signal ?? done.stderr}`);
  return done.stdout.trim().split("\n").map((line) => JSON.parse(line));
}

// The schemas with less protection in front: a library that reads by them has the order reversed.
const folderOfPlants = mkdtempSync(join(tmpdir(), "veldkit-model-"));
process.on("exit", () => rmSync(folderOfPlants, { recursive: true, force: true }));
const reversedSchemas = join(folderOfPlants, "schemas.json");
const other = { earlier: "later", later: "earlier", higher: "lower", lower: "higher" };
const reversed = (protective) => Array.isArray(protective) ? [...protective].reverse() :
  typeof protective === "boolean" ? !protective : other[protective];
writeFileSync(reversedSchemas, JSON.stringify(Object.values(schemas).map((schema) => ({ ...schema,
  fields: Object.fromEntries(Object.entries(schema.fields).map(([name, field]) => [name,
    field.protective === undefined ? field : { ...field, protective: reversed(field.protective) }]))
}))));
// And without what must be filled in elsewhere.
const unguardedSchemas = join(folderOfPlants, "unguarded.json");
writeFileSync(unguardedSchemas, JSON.stringify(Object.values(schemas).map((schema) => ({ ...schema,
  fields: Object.fromEntries(Object.entries(schema.fields).map(([name, { guards, ...field }]) =>
    [name, field])) }))));
const plantedSchemas = { "protective-order-reversed": reversedSchemas,
  "guards-ignored": unguardedSchemas };
const plantWords = (plant) =>
  plant in plantedSchemas ? ["none", plantedSchemas[plant]] : [plant];

const library = (histories, plant) =>
  run(["read", ...plantWords(plant)], histories.map((history) => `${JSON.stringify(history)}\n`).join(""));

// Only what the model has an opinion on is compared: it says nothing of the sides of a removal.
function same(mine, theirs) {
  const known = new Map(theirs.map((item) => [canonical([item.type, item.record, item.field]), item]));
  if (known.size !== mine.length) return false;
  return mine.every((item) => {
    const other = known.get(canonical([item.type, item.record, item.field]));
    return other !== undefined && Object.keys(item).every((name) => {
      const value = ["effective", "base"].includes(name) ? canonical(other[name]) : other[name];
      return canonical(value) === canonical(item[name]);
    });
  });
}

function agrees(history, reading) {
  const mine = readCase(schemas, history);
  return same(mine.fields, reading.fields) && same(mine.conflicts, reading.conflicts);
}

// Leave out changes, then writes, as long as the two still differ.
function smallest(history, plant) {
  let best = history;
  const better = (candidates) => {
    const readings = candidates.length > 0 ? library(candidates, plant) : [];
    const found = candidates.find((candidate, i) => !agrees(candidate, readings[i]));
    if (found) best = found;
    return found !== undefined;
  };
  const without = (list, i, n) => [...list.slice(0, i), ...list.slice(i + n)];
  for (let n = best.changes.length >> 1; n >= 1; ) {
    const starts = Array.from({ length: Math.ceil(best.changes.length / n) }, (_, i) => i * n);
    if (!better(starts.map((i) => ({ ...best, changes: without(best.changes, i, n) })))) n >>= 1;
  }
  while (better(best.changes.flatMap((change, c) => change.writes.length < 2 ? [] :
    change.writes.map((_, w) => ({ ...best, changes: best.changes.map((other, i) =>
      i === c ? { ...other, writes: without(other.writes, w, 1) } : other) })))));
  return best;
}

function tell(history, plant) {
  const found = smallest(history, plant);
  const mine = readCase(schemas, found);
  const [theirs] = library([found], plant);
  console.error(`seed ${history.seed}: library and model differ; the smallest history:`);
  console.error(JSON.stringify(found, null, 1));
  console.error(`library: ${JSON.stringify(theirs, null, 1)}\nmodel: ${JSON.stringify(mine, null, 1)}`);
}

// The first history of seeds 1 to `count` on which the two differ, or undefined.
function firstDifference(count, plant, seen) {
  for (let first = 1; first <= count; first += LOT) {
    const histories = run(["make", String(first), String(Math.min(LOT, count - first + 1))], "");
    const readings = library(histories, plant);
    const found = histories.find((history, i) => !agrees(history, readings[i]));
    if (found) return found;
    for (const reading of readings) {
      seen.fields += reading.fields.length;
      seen.merged += reading.fields.filter((item) => !item.conflict && item.sides.length > 1 &&
        schemas[item.type]?.fields[item.field]?.policy === "merge-text" &&
        new Set(item.sides.map(([value]) => value)).size > 1).length;
      seen.conflicts += reading.conflicts.length;
      for (const { type, field, held, sides } of reading.fields) {
        const schema = schemas[type]?.fields[field];
        if (schema?.policy !== "transition-log") continue;
        seen.forks += new Set(sides.map(([value]) => value)).size > 1;
        seen.guarded += held && sides.some(([value]) => value !== null && value in (schema.guards ?? {}));
      }
    }
  }
  return undefined;
}

// Two people who edit one text: histories of three changes, so that texts meet more often than above.
function twoEditors() {
  let seed = 7;
  const below = (bound) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor(seed / 2 ** 32 * bound);
  };
  const parts = ["Een. ", "Twee!  ", "Drie\n", "Vier? ", "nog vijf. ", "Zes\t", "Zeven.", "\n", "Een."];
  const edited = (list) => {
    const out = [...list];
    for (let i = below(3); i > 0; i--)
      out.splice(below(out.length + 1), below(2), ...parts.slice(below(9)).slice(0, below(2)));
    return out.slice(0, out.length - (below(4) === 0));
  };
  const hex = (bytes) => Array.from({ length: bytes }, () => below(256).toString(16).padStart(2, "0"))
    .join("");
  const change = (value, number, replaces, ms) => ({ change: hex(32), core: hex(32), device: hex(16),
    hybridCount: 0, hybridMs: ms, number, parents: [], serverMs: 0, wallMs: ms,
    writes: [{ basis: [], field: "text", record: "00000000-0000-0000-0000-000000000001", replaces,
      type: "note", value: value.join("") || null, write: hex(16) }] });
  return (count, first) => Array.from({ length: count }, (_, i) => {
    const text = Array.from({ length: 1 + below(7) }, () => parts[below(parts.length)]);
    const base = change(text, 1, [], 1000);
    const sides = [2000, 2000 + below(2)].map((ms, n) =>
      change(edited(text), 2 + n, [base.writes[0].write], ms));
    return { changes: [base, ...sides], seed: first + i };
  });
}

// In lots: what one program hands the other is one text.
const edit = twoEditors();
let mergedTexts = 0;
for (let first = 0; first < total * 5; first += 20 * LOT) {
  const editors = edit(Math.min(20 * LOT, total * 5 - first), first);
  const readings = library(editors, "none");
  const odd = editors.find((history, i) => !agrees(history, readings[i]));
  if (odd) {
    tell(odd, "none");
    process.exit(1);
  }
  mergedTexts += readings.filter(({ conflicts, fields }) => conflicts.length === 0 &&
    fields.some((item) => item.sides.length > 1 && item.sides[0][0] !== item.sides[1][0])).length;
}
console.log(`${total * 5} texts of two editors, ${mergedTexts} merged: the same`);

const nothing = { fields: 0, conflicts: 0, merged: 0, forks: 0, guarded: 0 };
const seen = { ...nothing };
const difference = firstDifference(total, "none", seen);
if (difference) {
  tell(difference, "none");
  process.exit(1);
}
console.log(`${total} histories, ${seen.fields} fields, ${seen.conflicts} conflicts, ` +
  `${seen.merged} merged texts, ${seen.forks} forks of logs, ${seen.guarded} held steps that a guard ` +
  `is about: the same`);
if (seen.forks < total / 20 || seen.guarded < total / 200)
  throw new Error("too few logs to compare anything");
if (seen.conflicts < total || mergedTexts === 0) throw new Error("too few conflicts to compare anything");

for (const plant of ["last-wins", "drop-loser", "ignore-basis", "protective-order-reversed",
  "replace-unseen", "guards-ignored"]) {
  const found = firstDifference(4 * LOT, plant, { ...nothing });
  if (!found) throw new Error(`the planted mistake ${plant} was not found`);
  const size = smallest(found, plant).changes.length;
  console.log(`${plant}: found, shrunk to ${size} changes`);
}
