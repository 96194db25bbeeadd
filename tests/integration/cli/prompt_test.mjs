// Questions on a terminal: the passphrase is asked and not shown, a question wants ja, and ^C ends
// both with the terminal as it was. util-linux's `script` gives the program a terminal.
import { strict as assert } from "node:assert";
import { spawn, spawnSync } from "node:child_process";
import { test } from "node:test";
import { PASSPHRASE, World, program } from "./world.mjs";

if (spawnSync("script", ["--version"]).status !== 0) {
  console.log("skipped: script is not installed");
  process.exit(77);
}
const world = new World();

// Answers each prompt when it is there. Returns {code, out}: all that was on the screen.
function converse(words, dialogue) {
  const line = [program, "--home", world.home, ...words].map((word) => `'${word}'`).join(" ");
  const child = spawn("script", ["-qec", `${line}; echo "code $?"; stty | grep -c -- "-echo "`, "/dev/null"],
    { stdio: ["pipe", "pipe", "inherit"], cwd: world.dir });
  let out = "", seen = 0, next = 0;
  child.stdout.on("data", (part) => {
    out += part;
    while (next < dialogue.length) {
      const at = out.indexOf(dialogue[next][0], seen);
      if (at < 0) break;
      seen = at + dialogue[next][0].length;
      child.stdin.write(dialogue[next++][1]);
    }
  });
  return new Promise((done) => child.on("close", () => {
    const code = Number(/code (\d+)/.exec(out)?.[1]);
    assert.match(out, /code \d+\r?\n0\r?\n/, `the terminal shows again what is typed: ${out}`);
    assert.equal(next, dialogue.length, out);
    done({ code, out });
  }));
}

test("init asks twice, and shows nothing of it", async () => {
  const words = ["init", "--local", "--quick-pin", "--name", "A"];
  const differ = await converse(words, [["Wachtwoord: ", PASSPHRASE + "\r"], ["Nog een keer: ", "iets anders\r"]]);
  assert.equal(differ.code, 2, differ.out);
  const done = await converse(words, [["Wachtwoord: ", PASSPHRASE + "\r"], ["Nog een keer: ", PASSPHRASE + "\r"]]);
  assert.equal(done.code, 0, done.out);
  for (const { out } of [differ, done]) assert.ok(!out.includes(PASSPHRASE.slice(0, 8)), out);
});

test("the passphrase may be corrected while typing", async () => {
  const done = await converse(["card", "list"], [["Wachtwoord: ", `fout\x15${PASSPHRASE}é\x7f\r`]]);
  assert.equal(done.code, 0, done.out);
  assert.equal((await converse(["card", "list"], [["Wachtwoord: ", "verkeerd\r"]])).code, 5);
  assert.equal((await converse(["card", "list"], [["Wachtwoord: ", "\r"]])).code, 5);
});

test("^C while asked is 130", async () => {
  assert.equal((await converse(["card", "list"], [["Wachtwoord: ", "half\x03"]])).code, 130);
});

test("a card is confirmed with ja and nothing else, also through the owner", async () => {
  const other = new World();
  const { code } = (other.init("B"), other.json(["card"]));
  const path = world.file("card", other.json(["card"]).card);
  world.json(["unlock"]);
  const no = await converse(["card", "add", path], [[code, ""], ["(ja/nee) ", "nee\r"]]);
  assert.equal(no.code, 130, no.out);
  assert.deepEqual(world.json(["card", "list"], { pin: false }), []);
  const yes = await converse(["card", "add", path], [[code, ""], ["(ja/nee) ", "ja\r"]]);
  assert.equal(yes.code, 0, yes.out);
  assert.equal(world.json(["card", "list"], { pin: false }).length, 1);
});
