// What a case shows, a second time: written from the texts (core/include/veldkit/state.h, policy.h,
// anchor.h and conflict.h, proto/records/README.md) and not from the C that it is compared with. It is as naive as
// the texts: every field is read by looking at every write.

import { merge } from "./text_model.mjs";

// ---- the schemas' word on a value (proto/records/README.md, "The schema language") ----
const codePoints = (text) => [...text].length;
const isControl = (text, allowed) =>
  [...text].some((sign) => /[\u0000-\u001f\u007f-\u009f]/.test(sign) && !allowed.includes(sign));

function isDate(text) {
  const parts = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (!parts) return false;
  const [year, month, day] = parts.slice(1).map(Number);
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
}

function isInstant(text) {
  const parts = /^(.{10})T(\d\d):(\d\d):(\d\d)(\.\d{1,3})?(Z|[+-](\d\d):(\d\d))$/.exec(text);
  if (!parts || !isDate(parts[1])) return false;
  const [hour, minute, second] = parts.slice(2, 5).map(Number);
  const offset = parts[6] === "Z" || (Number(parts[7]) <= 23 && Number(parts[8]) <= 59);
  return hour <= 23 && minute <= 59 && second <= 59 && offset;
}

const isId = (text) => /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text);

function fits(field, value) {
  if (value === null) return true; // clears the field
  const bounded = (text) => codePoints(text) >= field.min && codePoints(text) <= field.max &&
    !/^[ \t\n]*$/.test(text);
  switch (field.kind) {
    case "integer": return Number.isInteger(value) && value >= field.min && value <= field.max;
    case "boolean": return typeof value === "boolean";
    case "text": return typeof value === "string" && bounded(value) && !isControl(value, "");
    case "long-text": return typeof value === "string" && bounded(value) && !isControl(value, "\n\t");
    case "date": return typeof value === "string" && isDate(value);
    case "instant": return typeof value === "string" && isInstant(value);
    case "choice": return field.values.some((choice) => choice.value === value);
    case "reference": return typeof value === "string" && isId(value);
    default: throw new Error(`the texts know no kind ${field.kind}`);
  }
}

// ---- order ----
const byText = (a, b) => (a < b ? -1 : a > b ? 1 : 0); // hex and UUID: as their bytes
const byBytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));

// anchor.h: "The hybrid clock, as far as it can be believed: within [server_utc_ms, + 72 h]; beyond it
// the device's own clock within those bounds. Without a server time the hybrid clock."
const AHEAD_MS = 72 * 3600 * 1000;
function readingMs({ hybridMs, serverMs, wallMs }) {
  if (serverMs === 0) return hybridMs;
  const within = (ms) => Math.min(Math.max(ms, serverMs), serverMs + AHEAD_MS);
  return within(hybridMs > serverMs + AHEAD_MS ? wallMs : hybridMs);
}

// "The order of writes, where one is needed, is (reading time, hybrid_ms, hybrid_count, change id,
// write id)."
const byOrder = (a, b) =>
  readingMs(a.in) - readingMs(b.in) || a.in.hybridMs - b.in.hybridMs ||
  a.in.hybridCount - b.in.hybridCount || byText(a.in.change, b.in.change) || byText(a.write, b.write);

// JSON with sorted names and nothing between: our values have only integers, so this is RFC 8785.
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((name) =>
    `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
}

// ---- the state (state.h): what no other write on the same field of the same record replaces ----
function stateOf(history) {
  const fields = new Map();
  const applied = new Set();
  for (const change of history.changes) {
    if (applied.has(change.core)) continue;
    applied.add(change.core);
    for (const write of change.writes) {
      const key = canonical([write.type, write.record, write.field]);
      if (!fields.has(key))
        fields.set(key, { type: write.type, record: write.record, field: write.field, writes: [] });
      fields.get(key).writes.push({ ...write, text: canonical(write.value), in: change });
    }
  }
  for (const field of fields.values()) {
    const replaced = new Set(field.writes.flatMap((write) => write.replaces));
    field.visible = field.writes.filter((write) => !replaced.has(write.write))
      .sort((a, b) => byText(a.write, b.write));
  }
  return [...fields.values()];
}

// ---- the order of protection (proto/records/README.md) ----
// How much a value protects, as a list of numbers compared one after the other: first whether it is in
// the order (2), not in it (1) or cleared (0), then its place.
function instantMs(text) {
  const [, date, time, offset] = /^(.{10})T(.{8}(?:\.\d+)?)(.*)$/.exec(text);
  return Date.parse(`${date}T${time}${offset}`);
}

function protection(field, value) {
  const { protective, kind } = field;
  if (protective === undefined) return [0, 0];
  if (kind === "choice") {
    const place = protective.findIndex((entry) => [entry].flat().includes(value));
    if (place >= 0) return [2, -place];
  }
  if (value === null) return [0, 0];
  if (!fits(field, value)) return [1, 0];
  switch (kind) {
    case "boolean": return [2, Number(value === protective)];
    case "integer": return [2, protective === "higher" ? value : -value];
    case "date": case "instant": {
      const at = kind === "date" ? Date.parse(value) : instantMs(value);
      return [2, protective === "later" ? at : -at];
    }
    default: return [1, 0];
  }
}

const more = (a, b) => a[0] - b[0] || a[1] - b[1];

// "Of equally protective ones the latest is shown." A cleared field that no write cleared is null.
// "Of a write-once field the earliest counts, not the latest, and of a field without order all protect
// alike."
function mostProtective(writes, field) {
  const value = (write) => (write === null ? null : write.value);
  const turn = field.policy === "write-once" ? -1 : 1;
  const later = (a, b) => a !== null && (b === null || turn * byOrder(a, b) >= 0);
  return writes.reduce((best, write) => {
    const order = more(protection(field, value(write)), protection(field, value(best)));
    return order > 0 || (order === 0 && later(write, best)) ? write : best;
  });
}

// ---- what is held back (proto/records/README.md, "What is held back" and "Transition logs") ----
const isCritical = (field) => field?.critical === true &&
  !["grow-only", "observed-remove", "last-writer", "merge-text"].includes(field.policy);
const isWeighed = (field) => field?.protective !== undefined || isCritical(field);

class Case {
  constructor(schemas, fields) {
    this.schemas = schemas;
    this.fields = fields;
    this.records = new Map();
    for (const field of fields) {
      field.known = new Map(field.writes.map((write) => [write.write, write]));
      const key = `${field.type}/${field.record}`;
      if (!this.records.has(key)) this.records.set(key, []);
      this.records.get(key).push(field);
      for (const write of field.writes) write.of = field;
    }
    this.shownOf = new Map();
    this.heldOf = new Map();
  }

  schema(field) {
    return this.schemas[field.type]?.fields[field.field];
  }

  removal(fields) {
    return readRemoved(fields.find((field) => field.field === "@removed"),
      fields.filter((field) => field.field !== "@removed"));
  }

  // "A visible write on a field with `danger`, of a value that raises danger, on a record that is not
  // removed."
  dangers() {
    return this.dangerEntries ??= [...this.records.values()]
      .filter((fields) => !this.removal(fields).removed)
      .flatMap((fields) => fields.filter((field) => this.schema(field)?.danger !== undefined))
      .flatMap((field) => field.visible.filter((write) => {
        const { danger } = this.schema(field);
        return danger === true ? write.value !== null : danger.includes(write.value);
      }));
  }

  followed(write) {
    return write.replaces.map((id) => write.of.known.get(id)).filter((known) => known !== undefined)
      .sort(byOrder);
  }

  // The write whose value `write` shows: "a value shown counts as of the write that wrote it".
  shownBy(write) {
    if (!this.shownOf.has(write.write)) {
      const from = this.isHeld(write) ? this.followed(write).map((r) => this.shownBy(r)) : [];
      if (canonical(this.heldFor(write)) === canonical(["undecided"])) from.push(write);
      this.shownOf.set(write.write, !this.isHeld(write) ? write :
        from.length === 0 ? null : mostProtective(from, this.schema(write.of)));
    }
    return this.shownOf.get(write.write);
  }

  // "nothing (a cleared field) when there is none"
  shown(write) {
    const by = this.shownBy(write);
    return by === null ? null : by.value;
  }

  lowers(write) {
    const field = this.schema(write.of);
    return this.followed(write).some((r) =>
      more(protection(field, this.shown(r)), protection(field, write.value)) > 0);
  }

  // "A record of the type `decision` or `confirmation` on which the fields `record` and `field` each have one visible
  // write, both of the same change, naming the record's id and the field."
  isDecided(write) {
    return [...this.records.values()].some((fields) => ["decision", "confirmation"].includes(fields[0].type) &&
      [["record", write.of.record], ["field", write.of.field]].every(([name, value]) => {
        const visible = fields.find((field) => field.field === name)?.visible ?? [];
        return visible.length === 1 && visible[0].value === value && visible[0].in === write.in;
      }));
  }

  isStep(write) {
    const field = this.schema(write.of);
    const values = field.values.map((choice) => choice.value);
    const newer = (value) => value !== null && !values.includes(value);
    const from = this.followed(write);
    const known = write.replaces.every((id) => write.of.known.has(id));
    const may = (before, value) => before === null ? (field.first ?? values).includes(value) :
      (field.next[before] ?? []).includes(value);
    if (this.isDecided(write)) return true;
    if (write.value === null) return false; // "to it there is no step"
    if (!known || newer(write.value) || from.some((r) => newer(r.value) || newer(this.shown(r))))
      return true;
    if (from.length === 0) return (field.first ?? values).includes(write.value);
    return from.some((r) => {
      const own = this.heldFor(r).includes("transition") ? [] : [r.value];
      return [this.shown(r), ...own].some((value) => value === write.value || may(value, write.value));
    });
  }

  // "The field shows one of them; a set holds all of them; without `shows` it is filled in."
  meets(key, { field: name, shows }) {
    const [type] = key.split("/");
    const schema = this.schemas[type].fields[name];
    const field = this.records.get(key).find((other) => other.field === name);
    const read = field === undefined ? null : JSON.parse(readField(this, field).effective);
    if (["grow-only", "observed-remove"].includes(schema.policy)) {
      const set = (read ?? []).map(canonical);
      return shows === undefined ? set.length > 0 :
        shows.every((value) => set.includes(canonical(value)));
    }
    return shows === undefined ? read !== null :
      shows.some((value) => canonical(value) === canonical(read));
  }

  // "the records that the condition is about"
  about(key, { same, type, by, latest }) {
    if (same) return [key];
    const shown = (other, name) => {
      const field = this.records.get(other).find((one) => one.field === name);
      return field === undefined ? null : JSON.parse(readField(this, field).effective);
    };
    const found = [...this.records.keys()].filter((other) => other.startsWith(`${type}/`) &&
      !this.removal(this.records.get(other)).removed &&
      (by === undefined || shown(other, by) === key.split("/")[1]));
    if (latest === undefined) return found;
    const at = (other) => isInstant(String(shown(other, latest))) ? instantMs(shown(other, latest)) :
      -Infinity;
    const last = Math.max(...found.map(at));
    return found.filter((other) => at(other) > -Infinity && at(other) === last);
  }

  forbids(key, condition) {
    if (condition.conflicts === "critical") return this.hasCriticalConflict();
    if (condition.if !== undefined && !this.meets(key, condition.if)) return false;
    const found = this.about(key, condition);
    const { needs, latest, field, shows } = condition;
    if (needs === undefined) return found.some((other) => this.meets(other, { field, shows }));
    const all = (other) => needs.every((wanted) => this.meets(other, wanted));
    return !(latest === undefined ? found.some(all) : found.length > 0 && found.every(all));
  }

  isGuarded(write) {
    const { guards } = this.schema(write.of);
    const key = `${write.of.type}/${write.of.record}`;
    return (guards?.[write.value] ?? []).some((condition) => this.forbids(key, condition));
  }

  // "a conflict of risk class `two` is open in the case, other than on a field that has guards itself"
  hasCriticalConflict() {
    return this.critical ??= [...this.records.values()].some((fields) => {
      const { type } = fields[0];
      const removal = this.removal(fields);
      if (removal.conflict)
        if (Object.values(this.schemas[type]?.fields ?? {}).some((field) => field.critical)) return true;
      return !removal.removed && fields.some((field) => field.field !== "@removed" &&
        this.schema(field)?.critical && this.schema(field).guards === undefined &&
        readField(this, field).conflict);
    });
  }

  heldFor(write) {
    const field = this.schema(write.of);
    if (!isWeighed(field)) return [];
    if (!this.heldOf.has(write.write)) {
      const lowers = this.lowers(write);
      const know = (a, b) => a.in === b.in || a.basis.includes(b.write) || b.basis.includes(a.write);
      this.heldOf.set(write.write, [
        field.heldByDanger && lowers && this.dangers().some((danger) => !know(danger, write)) &&
          "danger",
        field.policy === "most-restrictive" && lowers && !this.isDecided(write) && "restriction",
        (field.decided ?? []).includes(write.value) && !this.isDecided(write) && "restriction",
        field.policy === "transition-log" && !this.isStep(write) && "transition",
        field.policy === "transition-log" && this.isGuarded(write) && "guard",
        this.followsChoice(write) && "undecided",
      ].filter((reason) => reason));
    }
    return this.heldOf.get(write.write);
  }

  // "The field is critical and no set, not all writes of followed(e) have one value or one of them is
  // held back, and its change holds no decision about this field."
  followsChoice(write) {
    const from = this.followed(write);
    return isCritical(this.schema(write.of)) && !this.isDecided(write) &&
      (distinct(from).length > 1 || from.some((r) => this.isHeld(r)));
  }

  // "The visible writes, and for each side that follows an open choice what it follows."
  sides(field) {
    const found = new Set(field.visible);
    for (const write of found)
      if (isWeighed(this.schema(field)) && this.followsChoice(write))
        for (const r of this.followed(write)) found.add(r);
    return [...found].sort((a, b) => byText(a.write, b.write));
  }

  isHeld(write) {
    return this.heldFor(write).length > 0;
  }
}

// ---- policies (policy.h) ----
const distinct = (writes) => [...new Set(writes.map((write) => write.text))];

const policies = {
  "write-once": (ordered) => ({
    effective: ordered[0].text, conflict: distinct(ordered).length > 1, broken: true }),
  "grow-only": (ordered) => ({ effective: asSet(ordered), conflict: false }),
  "observed-remove": (ordered) => ({ effective: asSet(ordered), conflict: false }),
  "last-writer": (ordered) => ({ effective: ordered.at(-1).text, conflict: false }),
  "person-decides": (ordered) => ({
    effective: ordered.at(-1).text, conflict: distinct(ordered).length > 1 }),
};

// "A merge-text field whose visible writes have exactly two different values shows their merge when"
function mergeText(whole, field, schema, ordered) {
  const latest = policies["person-decides"](ordered);
  const values = distinct(ordered).map((text) => JSON.parse(text)); // the earliest write's first
  const { mergeNot } = schema;
  const siblings = whole.records.get(`${field.type}/${field.record}`);
  const forbidden = mergeNot && siblings.some((other) => other.field === mergeNot.field &&
    other.visible.some((write) => mergeNot.values.includes(write.value)));
  const base = JSON.parse(baseOf(field, false));
  const good = (value) => typeof value === "string" && fits(schema, value);
  if (values.length !== 2 || forbidden || !values.every(good) || typeof base !== "string")
    return latest;
  const merged = merge(base, ...values);
  return merged === undefined || !good(merged) ? latest :
    { effective: JSON.stringify(merged), conflict: false };
}

const asSet = (ordered) =>
  `[${distinct(ordered).filter((text) => text !== "null").sort(byBytes).join(",")}]`;

// "The field shows the most protective `shown(e)` for all visible `e`, of equally protective ones that
// of the latest. It is in conflict when its visible writes have different values, or when a visible
// write is held back. A write held back for its transition is an integrity conflict."
function weigh(whole, ordered, schema) {
  const held = ordered.filter((write) => whole.isHeld(write));
  const shown = mostProtective(ordered.map((write) => whole.shownBy(write)), schema);
  return {
    effective: canonical(shown === null ? null : shown.value),
    conflict: distinct(ordered).length > 1 || held.length > 0,
    integrity: held.some((write) => whole.heldFor(write).includes("transition")) ||
      (schema.policy === "transition-log" && distinct(ordered).length > 1),
    broken: schema.policy === "write-once",
    held: held.length > 0,
  };
}

function readField(whole, field) {
  const schema = whole.schema(field);
  const ordered = [...field.visible].sort(byOrder);
  const policy = policies[schema?.policy ?? "person-decides"];
  const text = schema?.policy === "merge-text";
  if (!policy && !isWeighed(schema) && !text) throw new Error(`the texts know no policy ${schema.policy}`);
  const read = isWeighed(schema) ? weigh(whole, ordered, schema) :
    text ? mergeText(whole, field, schema, ordered) : policy(ordered);
  const sides = whole.sides(field);
  const broken = schema !== undefined && sides.some((write) => !fits(schema, write.value));
  return {
    conflict: read.conflict || broken,
    effective: read.effective,
    held: read.held === true,
    integrity: broken || read.integrity === true || (read.conflict && read.broken === true),
    sides: sides.map((write) => [write.value, write.write]),
  };
}

function readRemoved(field, others) {
  const said = field?.visible ?? [];
  const removals = said.filter((write) => write.text === "true");
  const alive = others.flatMap((other) => other.visible);
  const knows = (removal) => alive.every((write) => removal.basis.includes(write.write));
  const only = removals.length > 0 && removals.length === said.length;
  const removed = only && removals.some(knows);
  const conflict = removals.length > 0 && !removed;
  return { removed, conflict };
}

// ---- conflicts (conflict.h) ----
// "The past of a write is what it replaces on its field, and their pasts. The base is the one value of
// the latest writes that are in the past of every side: null when there is one side only (unless it is
// held back), more than 64, something between a side and it is not known here."
function baseOf(field, held, sides = field.visible) {
  if (sides.length > 64 || (sides.length < 2 && !held)) return "null";
  const known = new Map(field.writes.map((write) => [write.write, write]));
  const pastOf = (write) => {
    const past = new Set();
    for (const todo = [...write.replaces]; todo.length > 0; ) {
      const before = known.get(todo.pop());
      if (before === undefined || past.has(before)) continue;
      past.add(before);
      todo.push(...before.replaces);
    }
    return past;
  };
  const pasts = sides.map(pastOf);
  const common = [...pasts[0]].filter((write) => pasts.every((past) => past.has(write)));
  const older = new Set(common.flatMap((write) => [...pastOf(write)]));
  const above = sides.flatMap((side, i) => [side, ...pasts[i]]).filter((write) => !common.includes(write));
  if (above.some((write) => write.replaces.some((id) => !known.has(id)))) return "null";
  const values = distinct(common.filter((write) => !older.has(write)));
  return values.length === 1 ? values[0] : "null";
}

const riskOf = (critical) => (critical ? "two" : "person");

// readCase: schemas as {type: schema}, a history as case_lines.h describes it.
export function readCase(schemas, history) {
  const whole = new Case(schemas, stateOf(history));
  const out = { fields: [], conflicts: [] };
  for (const fields of whole.records.values()) {
    const { type, record } = fields[0];
    const removal = whole.removal(fields);
    out.fields.push({ type, record, field: "@removed", conflict: removal.conflict,
      effective: String(removal.removed) });
    const critical = Object.values(schemas[type]?.fields ?? {}).some((field) => field.critical);
    if (removal.conflict)
      out.conflicts.push({ type, record, field: "@removed", base: "false", effective: "false",
        risk: riskOf(critical) });
    for (const field of fields) {
      if (field.field === "@removed") continue;
      const read = readField(whole, field);
      out.fields.push({ type, record, field: field.field, ...read });
      if (read.conflict && !removal.removed)
        out.conflicts.push({ type, record, field: field.field,
          base: baseOf(field, read.held, whole.sides(field)),
          effective: read.effective, integrity: read.integrity, sides: read.sides.length,
          risk: riskOf(whole.schema(field)?.critical) });
    }
  }
  return out;
}
