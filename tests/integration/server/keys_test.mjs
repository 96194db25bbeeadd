// The life of the agency's keys with the real programs: each is changed while tablets are away, who
// comes late still hands in, openssl sees one chain of certificates, and a change that is killed
// anywhere is ended by the same program.
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import http2 from "node:http2";
import { connect } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { Agency, Tablet, dossier, serverProgram, until } from "./world.mjs";

const lib = spawnSync("sh", ["-c", "ls /usr/lib/*/faketime/libfaketime.so.1"], { encoding: "utf8" });
const noClock = lib.status !== 0 && "libfaketime is not installed";
const noStrace = spawnSync("strace", ["-o", "/dev/null", "true"]).status !== 0 &&
  "strace is not installed or not allowed";

const agency = new Agency();
after(() => agency.end()); // also when a test failed: a server that runs keeps this process
agency.init();
const stick = join(agency.parent, "stick");
renameSync(join(agency.dir, "root"), stick); // all below works without it, but a change
await agency.serve();
const anna = new Tablet(agency, "Anna"), bert = new Tablet(agency, "Bert");
anna.enrol();
bert.enrol();

const keys = () => agency.json(["keys", "list"]);
const key = (name) => keys().keys.find((row) => row.key === name);
const note = (tablet, id) => tablet.json(["case", "show", id]).records.find((r) => r.type === "note").record;
const change = (...words) => agency.json(["keys", "change", ...words]);
const pem = (name, as = name) => {
  const out = join(agency.parent, `${as}.pem`);
  const done = spawnSync("openssl", ["x509", "-inform", "DER", "-in", join(agency.dir, "relay", name),
    "-out", out]);
  assert.equal(done.status, 0, name);
  return out;
};

// All programs that are started from now on see another time; returns what ends that.
function at(time) {
  const later = { LD_PRELOAD: lib.stdout.trim(), FAKETIME: time, FAKETIME_DONT_FAKE_MONOTONIC: "1",
    ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ""}:verify_asan_link_order=0` };
  Object.assign(process.env, later);
  return () => {
    for (const name of Object.keys(later)) delete process.env[name];
  };
}

async function stopped(work) {
  await agency.stop();
  const result = work();
  await agency.serve();
  return result;
}

test("a change needs the root, a stopped server and the name of a key", async () => {
  assert.match(agency.refused(["keys", "change", "seal", "--root", stick], 1, "busy").detail, /stop/);
  await agency.stop();
  assert.match(agency.refused(["keys", "change", "seal"], 10, "not-found").detail, /--root/);
  agency.refused(["keys", "change", "wortel", "--root", stick], 2, "invalid");
  agency.refused(["keys", "change"], 2, "invalid");
  agency.refused(["keys", "end", "seal"], 10, "not-found");
  assert.equal(keys().edition, 1);
  assert.ok(!existsSync(join(agency.dir, "changing")));
  await agency.serve();
  assert.doesNotMatch(agency.errors, /root/);
});

test("the seal key: late work sealed to the old one opens, until nobody is late", async () => {
  const early = anna.newCase(dossier("Vroeg", "voor de wissel"));
  assert.equal(anna.sync().takenIn, 1);
  const before = key("seal").fingerprint;
  // What is sealed already, and cannot be handed in: its server is not there.
  const late = anna.newCase(dossier("Laat", "op het oude zegel"));
  await agency.stop();
  assert.equal(anna.run(["sync", "--once"]).code, 7);
  assert.deepEqual(change("seal", "--root", stick), { edition: 2, wrapped: 1 });
  const now = key("seal");
  assert.notEqual(now.fingerprint, before);
  assert.deepEqual([now.former, now.waiting], [1, 2]);
  agency.refused(["keys", "end", "seal"], 1, "stale");
  await agency.serve();
  assert.equal(anna.sync().takenIn, 1);
  assert.equal(agency.json(["case", "show", late]).case, late);
  assert.equal(key("seal").waiting, 1); // Anna told that she has the new one
  assert.match(agency.json(["device", "recovery", anna.device]).code, /^[0-9A-Z-]+$/);
  bert.sync();
  assert.equal(key("seal").waiting, 0);
  await stopped(() => agency.json(["keys", "end", "seal"]));
  assert.equal(key("seal").former, 0);
  anna.json(["record", "set", early, note(anna, early), 'text="na de wissel"']);
  assert.equal(anna.sync().takenIn, 1);
  assert.match(agency.json(["device", "recovery", bert.device]).code, /^[0-9A-Z-]+$/);
});

// Fenna's tablet is not counted among those that have to come over: it was lost, and revoked. What she
// had sealed comes all the same, and lies at the relay while the office has not read it.
test("the seal key stays while something that only it opens lies unread", async () => {
  const fenna = new Tablet(agency, "Fenna");
  fenna.enrol();
  fenna.sync();
  const text = join(agency.parent, "note.txt");
  writeFileSync(text, "Bel terug over de sleutel");
  fenna.json(["note", "quick", "--file", text]); // sealed now, and not handed in
  await stopped(() => change("seal", "--root", stick));
  agency.json(["device", "revoke", fenna.device]);
  for (const tablet of [anna, bert]) tablet.sync();
  assert.equal(key("seal").waiting, 0);
  const merger = agency.pid("merger");
  process.kill(merger, "SIGSTOP");
  fenna.run(["sync", "--once"]);
  process.kill(merger, "SIGKILL");
  agency.server.kill("SIGTERM");
  await agency.ended;
  const { detail } = agency.refused(["keys", "end", "seal"], 1, "stale");
  assert.match(detail, /^2 stukken zijn /); // the note, and lines of her access log
  assert.match(detail, /start de server/);
  assert.equal(key("seal").former, 1);
  await agency.serve();
  await until("it is read", () => agency.json(["device", "quarantine"]).length === 1);
  const { change: late } = agency.json(["device", "quarantine"])[0];
  await stopped(() => agency.json(["keys", "end", "seal"]));
  assert.equal(key("seal").former, 0);
  const { writes } = agency.json(["device", "quarantine", "show", late]);
  assert.ok(writes.some((write) => write.value === "Bel terug over de sleutel"));
  agency.json(["device", "quarantine", "refuse", late, "--reason", "nagebeld"]);
});

test("the relay's keys: receipts by the new one are believed by its statement", async () => {
  const before = readFileSync(join(agency.dir, "relay", "tls.key"), "utf8");
  await stopped(() => change("relay", "--root", stick));
  assert.notEqual(readFileSync(join(agency.dir, "relay", "tls.key"), "utf8"), before);
  const id = bert.newCase(dossier("Relay", "onder een nieuwe handtekening"));
  assert.equal(bert.sync().takenIn, 1);
  assert.equal(agency.json(["case", "show", id]).case, id);
  assert.equal(anna.sync().sent, 0);
  await stopped(() => agency.json(["keys", "end", "relay", "--root", stick]));
  assert.equal(anna.sync().sent, 0);
});

test("the server renews its certificate by itself, while it runs", { skip: noClock }, async () => {
  const ends = () => Date.parse(keys().serverCertificateEnds);
  const before = readFileSync(join(agency.dir, "relay", "tls.der"));
  const years = (ends() - Date.now()) / (366 * 24 * 3600 * 1000);
  assert.ok(years > 1.9 && years < 2.1, `${years}`);
  await stopped(() => {}); // not yet: it is of today
  assert.equal(anna.sync().sent, 0);
  assert.deepEqual(readFileSync(join(agency.dir, "relay", "tls.der")), before);
  const cees = new Tablet(agency, "Cees"); // who once saw that time keeps it
  cees.enrol();
  await agency.stop();
  const first = ends();
  const done = at("+700d");
  try {
    assert.equal(agency.json(["status"]).serverCertificateEndsSoon, true);
    assert.match(agency.run(["status"]).out, /vernieuwt het zelf/);
    await agency.serve();
    const relay = agency.pid("relay");
    await until("it is renewed", () => ends() > first);
    assert.equal(agency.json(["status"]).serverCertificateEndsSoon, false);
    const fresh = readFileSync(join(agency.dir, "relay", "tls.der"));
    assert.notDeepEqual(fresh, before);
    assert.equal(spawnSync("openssl", ["verify", "-no_check_time", "-purpose", "sslserver", "-CAfile",
      pem("ca.der"), pem("tls.der")]).status, 0);
    // The same process shows it, and tablets, who know the CA, go on as before.
    const shown = spawnSync("openssl", ["s_client", "-connect", new URL(agency.url).host],
      { encoding: "utf8", input: "" }).stdout;
    const served = shown.slice(shown.indexOf("-----BEGIN"), shown.indexOf("-----END"));
    assert.equal(served.split("\n").slice(1).join(""), fresh.toString("base64"));
    assert.equal(agency.pid("relay"), relay);
    const id = cees.newCase(dossier("Certificaat", "onder een nieuw certificaat"));
    assert.equal(cees.sync().takenIn, 1);
    assert.equal(agency.json(["case", "show", id]).case, id);
  } finally {
    done();
    await agency.stop();
    await agency.serve();
  }
  assert.equal(anna.sync().sent, 0);
  agency.json(["device", "revoke", cees.device]);
});

// The status of one request to the relay, as the merger on this machine or as anybody on the network.
const asked = (local, method, path, body = Buffer.alloc(0)) => new Promise((done, failed) => {
  const line = local ? http2.connect("http://relay", {
    createConnection: () => connect(join(agency.dir, "relay", "merger.sock")) })
    : http2.connect(agency.url, { rejectUnauthorized: false });
  line.on("error", failed);
  const request = line.request({ ":method": method, ":path": path }, { endStream: method === "GET" });
  request.on("response", (head) => { line.close(); done(head[":status"]); });
  request.on("error", failed);
  if (method !== "GET") request.end(body);
});

test("only the merger brings the relay a certificate, and only one that fits", async () => {
  const own = readFileSync(join(agency.dir, "relay", "tls.der"));
  const bad = Buffer.from(own);
  bad[bad.length - 3] ^= 1; // in the signature
  for (const [body, status] of [[Buffer.from("geen certificaat"), 400], [Buffer.alloc(0), 400],
    [readFileSync(join(agency.dir, "relay", "ca.der")), 400], [bad, 403], [own, 204]])
    assert.equal(await asked(true, "POST", "/v1/certificate", body), status);
  assert.equal(await asked(false, "GET", "/v1/certificate"), 404);
  assert.equal(await asked(false, "POST", "/v1/certificate"), 404);
  assert.deepEqual(readFileSync(join(agency.dir, "relay", "tls.der")), own);
  assert.equal(anna.sync().sent, 0);
});

test("the CA twice: openssl comes from the first to the server of the third", { timeout: 120000 }, async () => {
  const first = pem("ca.der", "first");
  const work = anna.newCase(dossier("Slaap", "geschreven voor de wissel van de uitgever"));
  await stopped(() => {
    change("ca", "--root", stick);
    change("ca", "--root", stick);
  });
  const bridges = join(agency.parent, "bridges.pem");
  writeFileSync(bridges, readFileSync(pem("bridge-1.der")) + "\n" + readFileSync(pem("bridge-2.der")));
  const verify = (...words) => spawnSync("openssl", ["verify", "-purpose", "sslserver", ...words,
    pem("tls.der")], { encoding: "utf8" });
  assert.equal(verify("-CAfile", first, "-untrusted", bridges).status, 0);
  assert.equal(verify("-CAfile", pem("ca.der")).status, 0);
  assert.notEqual(verify("-CAfile", first).status, 0);
  assert.notEqual(verify("-CAfile", first, "-untrusted", pem("bridge-1.der")).status, 0);

  // With the first certificate, through a server of the third; then with a new one.
  assert.equal(anna.sync().takenIn, 1);
  assert.equal(agency.json(["case", "show", work]).case, work);
  assert.equal(key("ca").waiting, 1);
  const newcomer = new Tablet(agency, "Cor");
  newcomer.enrol();
  assert.equal(newcomer.sync().sent, 0);
  assert.equal(anna.sync().sent, 0);
  await agency.stop();
  agency.refused(["keys", "end", "ca", "--root", stick], 1, "stale"); // Bert sleeps
  await agency.serve();
  assert.equal(bert.sync().sent, 0);
  assert.equal(key("ca").waiting, 0);
});

// What the office itself did in a case is signed with that key: two tablets disagree, it decides.
function decided(id, field, ours, theirs) {
  anna.json(["record", "set", id, note(anna, id), `${field}="${ours}"`]);
  bert.json(["record", "set", id, note(bert, id), `${field}="${theirs}"`]);
  anna.sync();
  bert.sync();
  const open = agency.json(["conflict", "list"]).find((one) => one.case === id);
  agency.json(["conflict", "resolve", open.conflict, "--take", "side=1", "--reason", "gebeld"]);
  anna.sync();
  bert.sync();
}

// Every change of an export by stock tools, and the whole by ours.
function exported(tablet, id, name) {
  const dir = join(agency.parent, name);
  assert.equal(tablet.json(["export", id, dir]).leftOut, 0);
  const git = (...words) => spawnSync("git", ["-C", dir, ...words], { encoding: "utf8" });
  assert.equal(git("fsck", "--strict").status, 0);
  const commits = git("rev-list", "main").stdout.trim().split("\n");
  for (const commit of commits) {
    const text = git("cat-file", "commit", commit).stdout;
    if (!text.includes("gpgsig")) continue; // where lines meet nobody signs
    assert.equal(git("verify-commit", commit).status, 0, commit);
    const signature = text.slice(text.indexOf("gpgsig ") + 7, text.indexOf("END SSH SIGNATURE") + 22);
    const signed = join(agency.parent, "commit.sig");
    writeFileSync(signed, signature.replaceAll("\n ", "\n"));
    const who = git("log", "-1", "--format=%ce", commit).stdout.trim();
    const done = spawnSync("ssh-keygen", ["-Y", "verify", "-f", join(dir, "allowed_signers"), "-I", who,
      "-n", "git", "-s", signed], { input: text.replace(/gpgsig (.*\n )*.*\n/, "") });
    assert.equal(done.status, 0, String(done.stderr));
  }
  assert.deepEqual(tablet.json(["verify", dir]).findings ?? [], []);
  return { commits, lines: readFileSync(join(dir, "allowed_signers"), "utf8").trim().split("\n").length };
}

test("the key that signs for the office: old signatures hold, new ones too", async () => {
  const id = anna.newCase(dossier("Beheer", "van de medewerker"));
  anna.sync();
  agency.json(["case", "assign", id, "Bert"]);
  bert.sync();
  decided(id, "text", "van Anna", "van Bert");
  const before = exported(anna, id, "before");
  await stopped(() => change("admin", "--root", stick));
  const more = anna.newCase(dossier("Beheer 2", "erna"));
  assert.equal(anna.sync().takenIn, 1);
  agency.json(["case", "assign", more, "Bert"]);
  bert.sync();
  decided(id, "text", "later van Anna", "later van Bert");
  const late = new Tablet(agency, "Dora"); // never had the old key
  late.enrol();
  agency.json(["case", "assign", id, "Dora"]);
  late.sync();
  assert.deepEqual(bert.json(["verify", more]).findings ?? [], []);
  assert.deepEqual(agency.json(["verify", id]).findings ?? [], []);
  for (const tablet of [anna, late]) {
    assert.deepEqual(tablet.json(["verify", id]).findings ?? [], []);
    const after = exported(tablet, id, `after-${tablet.worker}`);
    assert.equal(after.lines, before.lines + 1); // both keys of the office
    for (const commit of before.commits) assert.ok(after.commits.includes(commit), commit);
  }
});

test("who slept for years through all of it hands in and is taken over", { skip: noClock }, async () => {
  const id = bert.newCase(dossier("Wakker", "na twee jaar"));
  await agency.stop();
  const done = at("+3y");
  try {
    change("ca", "--lost", "--root", stick); // and by now his CA counts for nothing
    await agency.serve();
    assert.equal(key("seal").overdue, true);
    assert.equal(bert.sync().takenIn, 1);
    assert.equal(agency.json(["case", "show", id]).case, id);
    assert.equal(bert.sync().sent, 0);
  } finally {
    done();
    await agency.stop();
    await agency.serve();
  }
});

// Where it is killed, the same program ends it, and then all is as after a change that was not.
test("a change that was killed anywhere is ended by --resume", { skip: noStrace, timeout: 600000 }, async (t) => {
  await agency.stop();
  const kept = join(agency.parent, "kept");
  cpSync(agency.dir, kept, { recursive: true });
  const edition = keys().edition;
  const stride = Number(process.env.VELD_KILL_STRIDE ?? 67);
  let points = 0, ended = 0;
  for (const kind of ["ca", "seal"]) {
    for (const call of ["pwrite64", "rename", "unlink", "fsync"]) {
      for (let n = 1; ; n += stride) {
        rmSync(agency.dir, { recursive: true });
        cpSync(kept, agency.dir, { recursive: true });
        const done = spawnSync("strace", ["-f", "-qq", "-o", "/dev/null", "-e", `trace=${call}`, "-e",
          `inject=${call}:signal=SIGKILL:when=${n}`, serverProgram, "keys", "change", kind, "--dir",
          agency.dir, "--root", stick], { encoding: "utf8" });
        const killed = done.signal === "SIGKILL" || done.status === 137;
        if (!killed) {
          assert.equal(done.status, 0, `${kind} ${call} ${n}: ${done.stderr}`);
          break;
        }
        points++;
        const cut = existsSync(join(agency.dir, "changing"));
        if (cut) agency.refused(["serve"], 1, "stale");
        change("--resume");
        assert.ok(!existsSync(join(agency.dir, "changing")));
        const now = keys();
        assert.ok(now.edition === edition || now.edition === edition + 1, `${kind} ${call} ${n}`);
        ended += now.edition > edition;
        // The relay says what the merger says, and its certificate is of the CA beside it.
        assert.equal(spawnSync("openssl", ["verify", "-no_check_time", "-CAfile",
          pem("ca.der"), pem("tls.der")]).status, 0);
      }
    }
  }
  t.diagnostic(`${points} points, ${ended} after the decision`);
  assert.ok(points > ended && ended > 0);
  await agency.serve();
  const id = anna.newCase(dossier("Na", "de laatste"));
  assert.equal(anna.sync().takenIn, 1);
  assert.equal(agency.json(["case", "show", id]).case, id);
});
