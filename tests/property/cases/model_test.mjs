// The library against the model in model.mjs, over random histories: the same visible writes, values
// shown and conflicts. A difference fails with the smallest history that still shows it. Then each
// planted mistake (plant.h) must be found: a comparison that cannot fail compares nothing.
// VELD_HISTORIES sets how many histories are compared.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canonical, isSilent, readCase } from "./model.mjs";

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
const plantWords = (plant) =>
  plant === "protective-order-reversed" ? ["none", reversedSchemas] : [plant];

const library = (histories, plant) =>
  run(["read", ...plantWords(plant)], histories.map((history) => `${JSON.stringify(history)}\n`).join(""));

// Only what the model has an opinion on is compared: it says nothing of the sides of a removal.
function same(mine, all) {
  const theirs = all.filter((item) => !isSilent(schemas[item.type]?.fields[item.field]));
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
      seen.conflicts += reading.conflicts.length;
    }
  }
  return undefined;
}

const seen = { fields: 0, conflicts: 0 };
const difference = firstDifference(total, "none", seen);
if (difference) {
  tell(difference, "none");
  process.exit(1);
}
console.log(`${total} histories, ${seen.fields} fields, ${seen.conflicts} conflicts: the same`);
if (seen.conflicts < total) throw new Error("too few conflicts to compare anything");

for (const plant of ["last-wins", "drop-loser", "ignore-basis", "protective-order-reversed",
  "replace-unseen"]) {
  const found = firstDifference(LOT, plant, { fields: 0, conflicts: 0 });
  if (!found) throw new Error(`the planted mistake ${plant} was not found`);
  const size = smallest(found, plant).changes.length;
  console.log(`${plant}: found, shrunk to ${size} changes`);
}
