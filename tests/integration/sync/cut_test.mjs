// A small sync whose line is cut at every byte, in both directions: the next one completes, and
// nothing is lost or doubled. VELD_CUT_STEP=1 cuts at each byte, in about
// ten minutes; otherwise at some of them.
import { strict as assert } from "node:assert";
import { test } from "node:test";
import { Agency, Proxy, Tablet } from "./world.mjs";

const step = Number(process.env.VELD_CUT_STEP ?? 61);
const agency = new Agency();
await agency.serve();
const proxy = await Proxy.open(agency);
const anna = new Tablet(), bert = new Tablet();
const enrolled = await anna.start(["enrol", agency.invite("Anna", proxy), "--quick-pin"]);
assert.equal(enrolled.code, 0, enrolled.err);
bert.enrol(agency.invite("Bert"));
const id = anna.newCase();
assert.equal((await anna.start(["sync", "--once"])).code, 0);
agency.run(["case", "assign", id, bert.json(["status"]).device]);
bert.sync();
const note = anna.record(id, "note");
// The vault stays open: a verb is then quick, and an exchange a matter of milliseconds.
anna.json(["unlock", "--idle", "60"]);
bert.json(["unlock", "--idle", "60"]);
const bare = { pin: false };
let changes = 1;

function edit(options = bare) {
  const done = anna.json(["record", "set", id, note, `text="Regel ${++changes}."`], options);
  assert.ok(done.change);
}

// Every change of either is at the centre, once, and the same there and here.
function complete(what) {
  const status = anna.json(["status"], bare);
  assert.equal(status.unsent, 0, what);
  const log = anna.json(["log", id], bare).map((change) => change.change);
  assert.deepEqual([log.length, new Set(log).size], [changes, changes], what);
  assert.equal(agency.stateId(id), anna.json(["case", "show", id], bare).stateId, what);
}

async function sync() {
  const done = await anna.start(["sync", "--once", "--json"]);
  return { ...done, answer: done.out ? JSON.parse(done.out) : null };
}

// How many bytes a whole one is.
edit();
proxy.start();
assert.equal((await sync()).code, 0);
const whole = { up: proxy.up, down: proxy.down };
complete("uncut");

for (const way of ["up", "down"])
  test(`cut ${way}, then the same call goes on by itself`, async () => {
    for (let at = 1; at < whole[way]; at += step) {
      const what = `${way} ${at} of ${whole[way]}`;
      edit();
      proxy.start({ [way]: at });
      const done = await sync();
      assert.equal(done.code, 0, `${what}: ${done.out}`);
      complete(what);
    }
  });

for (const way of ["up", "down"])
  test(`cut ${way} and no line any more: the next call completes`, async () => {
    // Fewer of these: three attempts take two seconds.
    const far = Math.ceil(whole[way] / (step === 1 ? 40 : 4));
    for (let at = step; at < whole[way]; at += far) {
      const what = `${way} ${at} of ${whole[way]}`;
      edit();
      proxy.start({ [way]: at }, ...Array(9).fill({ refused: true }));
      const done = await sync();
      // Cut behind all that counts it had succeeded before it was cut.
      if (done.code !== 0) {
        assert.equal(done.code, 7, `${what}: ${done.out}`);
        assert.match(done.answer.error.detail, /^1 wijziging wacht op dit apparaat sinds 20/, what);
        assert.equal(anna.json(["status"], bare).unsent, 1);
      }
      proxy.start();
      assert.equal((await sync()).code, 0, what);
      complete(what);
    }
  });

test("killed while the line was cut: the next call completes", async () => {
  anna.json(["lock"], bare);
  for (const [way, at] of [["up", 300], ["up", 1000], ["down", 1200], ["down", whole.down - 20]]) {
    const what = `${way} ${at}`;
    edit({});
    let child = null;
    proxy.start({ [way]: at }, ...Array(9).fill({ refused: true }));
    proxy.onCut = () => child.kill("SIGKILL");
    await anna.start(["sync", "--once"], { running: (it) => { child = it; } });
    proxy.onCut = null;
    proxy.start();
    const done = await anna.start(["sync", "--once", "--json"]);
    assert.equal(done.code, 0, `${what}: ${done.out}${done.err}`);
    assert.equal(anna.json(["status"]).unsent, 0, what);
    assert.equal(agency.stateId(id), anna.stateId(id), what);
  }
});

test("the other tablet gets each change once", () => {
  bert.json(["lock"], bare);
  assert.equal(bert.sync().received, changes - 1);
  assert.equal(bert.stateId(id), agency.stateId(id));
  assert.equal(bert.json(["log", id]).length, changes);
  for (const tablet of [anna, bert]) {
    assert.deepEqual(tablet.json(["verify", id]).findings, []);
    assert.deepEqual(tablet.json(["fsck"]).findings, []);
  }
});

test("an enrolment is cut: the same command completes it, by the same key", async () => {
  for (const [way, at] of [["up", 100], ["up", 900], ["down", 700], ["down", 1500], ["down", 2500]]) {
    const tablet = new Tablet();
    const code = agency.invite(`Cor ${way} ${at}`, proxy);
    proxy.start({ [way]: at }, ...Array(9).fill({ refused: true }));
    const cut = await tablet.start(["enrol", code, "--quick-pin", "--json"]);
    assert.ok([0, 7].includes(cut.code), cut.out);
    proxy.start();
    const done = await tablet.start(["enrol", code, "--quick-pin", "--json"]);
    assert.equal(done.code, 0, done.out);
    const again = await tablet.start(["enrol", code, "--quick-pin", "--json"]);
    assert.equal(again.out, done.out);
    const devices = agency.json(["device", "list"]).filter((d) => d.worker === `Cor ${way} ${at}`);
    assert.deepEqual(devices.map((d) => d.device), [JSON.parse(done.out).device]);
  }
});
