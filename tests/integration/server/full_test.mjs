// The relay's disk is full: a tablet is told, nothing is lost on either side, and when there is room
// again the next exchange completes. On a small file system of its own, so it takes root.
import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, mkdirSync, renameSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { Agency, Tablet, dossier, until } from "./world.mjs";

// Before the agency's folder goes, and also when the test was stopped.
function unmount_at_end(t, path) {
  const unmount = () => {
    try { execFileSync("umount", ["-l", path], { stdio: "ignore" }); } catch { /* gone */ }
  };
  t.after(unmount);
  process.prependListener("exit", unmount);
}

function small_disk(agency, t) {
  const relay = join(agency.dir, "relay"), before = join(agency.dir, "relay.before");
  renameSync(relay, before);
  mkdirSync(relay, { mode: 0o700 });
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m,mode=0700", "veldkit-test", relay],
      { stdio: "ignore" });
  } catch {
    return null;
  }
  unmount_at_end(t, relay);
  cpSync(before, relay, { recursive: true });
  return relay;
}

test("a full disk at the relay is told, and nothing is lost", async (t) => {
  const agency = new Agency();
  agency.init();
  const relay = small_disk(agency, t);
  if (relay === null) return t.skip("mounting takes root");
  await agency.serve();
  const anna = new Tablet(agency, "Anna");
  anna.enrol();
  const caseId = anna.newCase(dossier("Gezin aan de Vaart", "voor het vol was"));
  anna.sync();

  const ballast = join(relay, "ballast");
  const disk = statfsSync(relay);
  writeFileSync(ballast, Buffer.alloc(disk.bfree * disk.bsize));
  const note = join(agency.parent, "note.json");
  for (let i = 0; i < 12; i++) {
    writeFileSync(note, JSON.stringify({ fields: { kind: "fact", text: randomBytes(9000).toString("hex") } }));
    anna.json(["record", "put", caseId, "note", "--file", note]);
  }
  assert.match(anna.refused(["sync", "--once"], 7, "network").detail, /507/);
  assert.ok(anna.json(["status"]).unsent > 0);

  rmSync(ballast);
  await until("all is taken in", () => {
    anna.run(["sync", "--once"]);
    return anna.json(["status"]).unsent === 0;
  });
  const shown = (show) => show.records.length;
  assert.equal(shown(agency.json(["case", "show", caseId])), 14);
  assert.equal(agency.json(["case", "show", caseId]).stateId,
    anna.json(["case", "show", caseId]).stateId);
  assert.deepEqual(await agency.stop(), { code: 0, signal: null });
});
