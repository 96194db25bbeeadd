// The page POLICY.md from the schemas beside it, in Dutch, for a domain expert: of every field what
// happens when two people write different things. `policy-page.mjs` writes it, `--check` tells with
// exit code 1 that it is not up to date.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = dirname(fileURLToPath(import.meta.url));
const page = join(folder, "POLICY.md");
const schemas = readdirSync(folder).filter((name) => name.endsWith(".schema.json")).sort()
  .map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")));
const titles = Object.fromEntries(schemas.map((schema) => [schema.type, schema.title]));
const fieldOf = (type, name) => schemas.find((schema) => schema.type === type)?.fields[name];

const plain = (text) => String(text).replaceAll("|", "\\|").replaceAll("\n", " ");
const listed = (words) => words.length < 2 ? words.join("") :
  `${words.slice(0, -1).join(", ")} of ${words.at(-1)}`;

// What a person calls a value.
function called(field, value) {
  if (value === null) return "niets ingevuld";
  if (typeof value === "boolean") return value ? "ja" : "nee";
  return field.values?.find((choice) => choice.value === value)?.label ?? value;
}

function order(field) {
  const words = { earlier: "de vroegste", later: "de laatste", higher: "de hoogste",
    lower: "de laagste" };
  if (Array.isArray(field.protective))
    return field.protective.map((step) => Array.isArray(step) ?
      `(${step.map((value) => called(field, value)).join(" = ")})` : called(field, step)).join(" → ");
  if (typeof field.protective === "boolean")
    return `${called(field, field.protective)} → ${called(field, !field.protective)}`;
  return words[field.protective];
}

const rules = {
  "write-once": () => "Wordt één keer ingevuld. Staat er toch iets anders, dan blijft de eerste " +
    "invulling staan en bekijkt een medewerker wat er misging.",
  "grow-only": () => "Alles wat iemand toevoegt blijft staan; niemand hoeft te kiezen.",
  "observed-remove": () => "Alles wat iemand toevoegt blijft staan. Weghalen geldt alleen voor wat " +
    "de weghaler zelf zag; niemand hoeft te kiezen.",
  "last-writer": () => "De laatste invulling staat er; de andere blijft in de geschiedenis. Niemand " +
    "hoeft te kiezen.",
  "person-decides": (field) => field.protective === undefined ?
    "Een mens kiest. Tot dan staat de laatste invulling er, met de andere ernaast." :
    "Een mens kiest. Tot dan geldt de invulling die het meest beschermt, met de andere ernaast.",
  "most-protective": () => "De invulling die het meest beschermt geldt meteen; een mens bekijkt de " +
    "andere.",
  "most-restrictive": () => "De invulling die het minst prijsgeeft geldt meteen. Ruimer wordt het " +
    "alleen door een beslissing.",
  "transition-log": () => "Een reeks stappen. Gaan twee mensen elk een kant op, dan geldt de stand " +
    "die het meest beschermt; beide stappen blijven staan en een mens kiest.",
  "merge-text": () => "Per zin samengevoegd als de twee verschillende zinnen veranderden of er elk " +
    "iets achter schreven. Raken hun wijzigingen elkaar, dan kiest een mens.",
};

function danger(field) {
  if (field.danger === undefined) return [];
  return [field.danger === true ? "Elke invulling is een melding van gevaar." :
    `Is een melding van gevaar bij: ${listed(field.danger.map((value) => called(field, value)))}.`];
}

const wanted = (type, { field: name, shows }) => {
  const field = fieldOf(type, name);
  const set = ["grow-only", "observed-remove"].includes(field.policy);
  if (shows === undefined) return `“${field.label}” is ingevuld`;
  const values = shows.map((value) => `“${called(field, value)}”`);
  return set ? `“${field.label}” alles bevat van ${values.join(", ")}` :
    `“${field.label}” op ${listed(values)} staat`;
};

// What a condition asks: {asks} or, where it is long, {asks, of} with a list.
function guard(own, condition) {
  if (condition.conflicts !== undefined) return { asks: "er een veiligheidskritische keuze openstaat" };
  const type = condition.same ? own : condition.type;
  const latest = condition.latest === undefined ? "" : "de laatste ";
  const of = condition.same ? "" : condition.by === undefined ?
    `bij ${latest}${titles[type]} ` : `bij ${latest}${titles[type]} die hierover gaat `;
  const when = condition.if === undefined ? "" : `${wanted(own, condition.if)} en `;
  if (condition.needs === undefined)
    return { asks: `${when}${of}het veld ${wanted(type, condition)}` };
  const unique = [...new Set(condition.needs.map((one) => JSON.stringify(one.shows)))];
  const fields = condition.needs.map((one) => fieldOf(type, one.field).label);
  if (unique.length > 1 || condition.needs.length === 1)
    return { asks: `${when}niet vaststaat dat ${of}` +
      condition.needs.map((one) => wanted(type, one)).join(", en ") };
  const { field, shows } = condition.needs[0];
  return { of: fields, asks: shows === undefined ? `${when}${of}niet alles is ingevuld van` :
    `${when}niet vaststaat dat ${of}` +
    `${listed(shows.map((value) => called(fieldOf(type, field), value)))} staat bij` };
}

// The conditions of a field, each with the values that it guards: of several values with the same
// conditions, once.
function guards(schema, field) {
  const guarded = new Map();
  for (const [value, conditions] of Object.entries(field.guards ?? {}))
    for (const condition of conditions) {
      const key = JSON.stringify(guard(schema.type, condition));
      guarded.set(key, [...guarded.get(key) ?? [], value]);
    }
  return [...guarded].flatMap(([key, values]) => {
    const { asks, of } = JSON.parse(key);
    const who = values.length === Object.keys(field.next).length ? "Elke stand" :
      `**${listed(values.map((value) => called(field, value)))}**`;
    return of === undefined ? [`- ${who} geldt niet zolang ${asks}.`] :
      [`- ${who} geldt niet zolang ${asks}:`, ...of.map((label) => `  - ${label}`)];
  });
}

// Under the table: where one may go from where, and what has to be there first.
function steps(schema, field) {
  if (field.next === undefined) return [];
  const rows = Object.entries(field.next).map(([from, next]) => `| ${called(field, from)} | ` +
    (next.length === 0 ? "alleen door een beslissing" :
      listed(next.map((value) => called(field, value)))) + " |");
  const notes = guards(schema, field);
  if (field.decided !== undefined)
    notes.push(`- **${listed(field.decided.map((value) => called(field, value)))}** telt alleen door ` +
      "een beslissing; wie het invult stelt het voor.");
  if (field.first !== undefined)
    notes.unshift(`- Begint met ${listed(field.first.map((value) => called(field, value)))}.`);
  return [`### ${schema.title}, ${field.label}: de stappen`, "", "| Van | Naar |", "|---|---|", ...rows,
    "", ...notes, ...notes.length > 0 ? [""] : []];
}

function special(schema, field) {
  const out = [];
  if (field.protective !== undefined)
    out.push(Array.isArray(field.protective) || typeof field.protective === "boolean" ?
      `Van meest naar minst beschermend: ${order(field)}.` : `Het meest beschermt ${order(field)}.`);
  out.push(...danger(field));
  if (field.heldByDanger)
    out.push("Een invulling die minder beschermt telt niet zolang iemand gevaar heeft gemeld waarvan " +
      "de invuller niets wist.");
  if (field.next !== undefined) out.push("De stappen staan onder deze tabel.");
  if (field.mergeNot !== undefined) {
    const other = schema.fields[field.mergeNot.field];
    out.push(`Nooit samengevoegd als ${other.label} ` +
      `${listed(field.mergeNot.values.map((value) => called(other, value)))} is: dan kiest een mens.`);
  }
  if (schema.urgent || field.urgent) out.push("Gaat vóór ander werk naar de centrale.");
  return out.join(" ");
}

function decides(field) {
  if (field.critical) return "twee mensen";
  const alone = ["grow-only", "observed-remove", "last-writer", "merge-text"].includes(field.policy);
  return alone && field.policy !== "merge-text" ? "niemand" : "één mens";
}

function table(schema) {
  const rows = Object.values(schema.fields).map((field) => `| ${plain(field.label)} | ` +
    `${rules[field.policy](field)} | ${decides(field)} | ${plain(special(schema, field))} |`);
  const note = schema.note === undefined ? [] : [schema.note, ""];
  return [`## ${schema.title}`, "", ...note,
    "| Veld | Als twee mensen iets anders schrijven | Wie kiest | Bijzonder |", "|---|---|---|---|",
    ...rows, "", ...Object.values(schema.fields).flatMap((field) => steps(schema, field))];
}

const text = [
  "# Wat er gebeurt als twee mensen iets anders schrijven",
  "",
  "Deze bladzijde is gemaakt uit de schema's in deze map en wordt niet met de hand gewijzigd",
  "(`./run docs`). Hij is bedoeld om na te lezen of de regels kloppen.",
  "",
  "- Niets verdwijnt wat een ander niet gezien had: wat niet geldt blijft bewaard en zichtbaar.",
  "- *Wie kiest* zegt hoeveel mensen nodig zijn. Veldwerk gaat intussen door.",
  "- Kiezen twee mensen, dan maakt wie er intussen nog iets invult daar geen eind aan: dat komt erbij",
  "  te staan. Wat het meest beschermt blijft gelden, en de keuze blijft openstaan tot beiden beslisten.",
  "- Schrijven twee mensen hetzelfde, dan is er niets te kiezen.",
  "- Wordt iets verwijderd waaraan een ander nog werkte, dan blijft het staan tot een mens kiest; bij",
  "  een onderdeel met een veld waar twee mensen kiezen, kiezen ook daarover twee mensen.",
  "- Past een invulling niet bij een veld, dan blijft zij staan en bekijkt een mens wat er misging.",
  "",
  ...schemas.flatMap(table),
].join("\n");

if (process.argv[2] === "--check") {
  let now = "";
  try {
    now = readFileSync(page, "utf8");
  } catch {
    // no page is not up to date either
  }
  if (now !== text) {
    console.error("proto/records/POLICY.md is not what the schemas say; make it with ./run docs");
    process.exit(1);
  }
} else {
  writeFileSync(page, text);
}
