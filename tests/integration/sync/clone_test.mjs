// A tablet's whole folder is copied, and both are used: both say what they have to say, nothing is
// lost, no nonce is used twice, and the office hears that there is a copy.
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DOSSIER, Agency, Tablet } from "./world.mjs";

const agency = new Agency();
await agency.serve();
const tablet = new Tablet();
tablet.enrol(agency.invite("Anna"));

test("a copy of a tablet is heard of, loses nothing and repeats no nonce", async (t) => {
  const id = tablet.newCase(DOSSIER);
  tablet.sync();
  assert.equal(agency.json(["device", "list"])[0].copied, undefined);

  const copy = new Tablet();
  cpSync(tablet.home, copy.home, { recursive: true });
  writeFileSync(copy.pin, readFileSync(tablet.pin));
  const note = tablet.record(id, "note");
  const words = [];
  for (let i = 0; i < 4; i++) {
    for (const [who, one] of [["echte", tablet], ["kopie", copy]]) {
      words.push(`De ${who} schrijft ${i}.`);
      one.set(id, note, `text=${JSON.stringify(words.at(-1))}`);
    }
    // The very same text on both: not even then two different things under one nonce.
    for (const one of [tablet, copy]) one.set(id, note, `text="Op beide gelijk ${i}."`);
    for (const one of [tablet, copy]) assert.equal(one.sync().takenIn, 2);
  }
  tablet.sync();
  assert.equal(tablet.stateId(id), agency.stateId(id));
  const log = JSON.stringify(tablet.json(["log", id, "--values"]));
  for (const text of words) assert.ok(log.includes(text), text);

  const listed = agency.json(["device", "list"]);
  assert.equal(listed[0].copied, true);
  assert.match(agency.run(["device", "list"]).out, /kopie van deze tablet/);

  const script = `
import sqlite3, sys
rows = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True).execute("SELECT bytes FROM item")
nonces = [bytes(row[0])[97:121] for row in rows if bytes(row[0])[:4] == b"VKE1"]
print(len(nonces), len(set(nonces)))`;
  await agency.stop();
  const done = spawnSync("python3", ["-c", script, join(agency.dir, "relay", "journal.db")],
    { encoding: "utf8" });
  if (done.error || done.status !== 0) return t.diagnostic(`nonces not looked at: ${done.stderr}`);
  const [all, different] = done.stdout.trim().split(" ").map(Number);
  assert.ok(all >= 9, `${all} envelopes`);
  assert.equal(all, different);
});
