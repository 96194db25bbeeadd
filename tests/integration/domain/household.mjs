// One case of an agency with its server and some tablets, in the words of who works with it.
import { strict as assert } from "node:assert";
import { writeFileSync } from "node:fs";
import { Agency, Tablet, until } from "../server/world.mjs";

class Worker extends Tablet {
  // The vault stays open: to stretch a passphrase for each verb was most of what these tests took.
  enrol() {
    super.enrol();
    this.json(["unlock", "--idle", "5"]);
  }

  set(record, ...words) {
    return this.json(["record", "set", this.household.caseId, record, ...words]);
  }

  put(type, fields) {
    return this.json(["record", "put", this.household.caseId, type, "--file",
      this.household.file({ fields })]);
  }

  shown() {
    return this.json(["case", "show", this.household.caseId]);
  }

  conflicts() {
    return this.json(["conflicts", this.household.caseId]);
  }
}

export class Household {
  constructor(workers) {
    this.office = new Agency();
    this.tablets = Object.fromEntries(workers.map((name) =>
      [name.toLowerCase(), new Worker(this.office, name)]));
    this.list = Object.values(this.tablets);
    for (const tablet of this.list) tablet.household = this;
    this.files = 0;
  }

  file(content) {
    const path = `${this.office.parent}/file-${++this.files}.json`;
    writeFileSync(path, JSON.stringify(content));
    return path;
  }

  // The first worker brings the case in; all others are assigned it.
  async begin(dossier) {
    this.office.init();
    await this.office.serve();
    const [first, ...others] = this.list;
    first.enrol();
    this.caseId = first.newCase(dossier);
    first.sync();
    for (const tablet of others) {
      tablet.enrol();
      await until("the case is at the office", () =>
        this.office.run(["case", "assign", this.caseId, tablet.device]).code === 0);
    }
    await this.settle();
  }

  end() {
    for (const tablet of this.list) tablet.run(["lock"]);
    return this.office.stop();
  }

  record(type, index = 0) {
    return this.list[0].shown().records.filter((r) => r.type === type)[index].record;
  }

  // Everybody exchanges until all show the same and nothing waits.
  async settle(tablets = this.list) {
    await until("all show the same", () => {
      for (const tablet of tablets) tablet.sync();
      const states = tablets.map((t) => t.run(["case", "show", this.caseId]))
        .map((done) => (done.code === 0 ? JSON.parse(done.out).stateId : done.out));
      states.push(this.office.json(["case", "show", this.caseId]).stateId);
      return new Set(states).size === 1 && tablets.every((t) => t.json(["status"]).unsent === 0);
    }, 60000);
  }

  as(name, pin) {
    const path = `${this.office.parent}/pin-${name}`;
    writeFileSync(path, `${pin}\n`);
    return ["--by", name, "--pin-file", path];
  }

  // Carla decides; where a mistake is dangerous Dirk confirms.
  decide(conflict, take, reason) {
    const carla = this.as("carla", "839201"), dirk = this.as("dirk", "5512-katten");
    if (!this.staff) {
      this.office.json(["user", "add", "carla", "--role", "case_manager", ...carla.slice(2)]);
      this.office.json(["user", "add", "dirk", "--role", "specialist", ...dirk.slice(2)]);
      this.staff = true;
    }
    const { needs } = this.office.json(["conflict", "resolve", conflict.conflict, "--take", take,
      "--reason", reason, ...carla]);
    if (needs > 0) this.office.json(["conflict", "confirm", conflict.conflict, ...dirk]);
  }

  // What a field shows, the same for everybody; after settle.
  value(record, field) {
    const values = [...this.list.map((t) => t.shown()),
      this.office.json(["case", "show", this.caseId])]
      .map(({ records }) => records.find((r) => r.record === record)?.fields[field]);
    for (const value of values) assert.deepEqual(value, values[0]);
    return values[0];
  }

  open(field) {
    return this.office.json(["conflict", "list"]).filter((c) => c.field === field);
  }
}
