// Reads a whole case from text: a row with its header as copied from Excel, CSV, or JSON. What is
// not understood is told, never dropped in silence and never guessed.

import { codesIn } from "./search.js";
import { t } from "./words.js";

const CODES = ["diagnoses", "procedures"];
const plain = (header) =>
  header
    .normalize("NFKC")
    .replace(/[\s_\-*]/g, "")
    .toLowerCase();

/** Rows of cells of CSV or of cells with tabs between, quotes as spreadsheets write them. */
function cellsOf(text) {
  const first = text.split(/\r?\n/, 1)[0];
  const mark = [/\t/g, /,/g, /;/g].map((sign) => (first.match(sign) || []).length);
  const separator = mark[0] ? "\t" : mark[1] >= mark[2] ? "," : ";";
  const rows = [[]];
  let cell = "";
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at];
    if (quoted) {
      if (sign === '"' && text[at + 1] === '"') {
        cell += '"';
        at += 1;
      } else if (sign === '"') quoted = false;
      else cell += sign;
    } else if (sign === '"' && cell === "") quoted = true;
    else if (sign === separator) {
      rows.at(-1).push(cell);
      cell = "";
    } else if (sign === "\n") {
      rows.at(-1).push(cell.replace(/\r$/, ""));
      cell = "";
      rows.push([]);
    } else cell += sign;
  }
  rows.at(-1).push(cell.replace(/\r$/, ""));
  return rows.filter((row) => row.some((value) => value.trim() !== ""));
}

/** Which field a header feeds: {name, place}; `place` orders numbered columns. */
function reader(fields) {
  const exact = new Map();
  const numbered = [];
  const offer = (key, found) => {
    if (!exact.has(key)) exact.set(key, found);
  };
  for (const field of fields) {
    for (const header of [field.name, field.title])
      offer(plain(header), { name: field.name, place: 0 });
  }
  for (const field of fields) {
    (field.headers || []).forEach((header) => {
      const key = plain(header);
      if (!key.includes("{n}"))
        return offer(key, { name: field.name, place: /其他|其它|次要|other/.test(key) ? 1 : 0 });
      const [before, after] = key
        .split("{n}")
        .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
      numbered.push({ name: field.name, shape: new RegExp(`^${before}(\\d{1,3})${after}$`) });
    });
  }
  return (header) => {
    const key = plain(header);
    if (exact.has(key)) return exact.get(key);
    for (const { name, shape } of numbered) {
      const match = key.match(shape);
      if (match) return { name, place: 1 + Number(match[1]) };
    }
    return null;
  };
}

/** A value as the form has it; null when it cannot be read as its kind. */
export function written(kind, value) {
  const text = String(value).trim();
  if (kind === "date") {
    const parts = text.match(/^(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?(?:[T ].*)?$/);
    return parts ? `${parts[1]}-${parts[2].padStart(2, "0")}-${parts[3].padStart(2, "0")}` : null;
  }
  if (kind === "int") return /^-?\d+(\.0+)?$/.test(text) ? text.replace(/\.0+$/, "") : null;
  if (kind === "money") {
    const digits = text.replace(/[,，¥￥\s]/g, "");
    return /^-?\d+(\.\d+)?$/.test(digits) ? digits : null;
  }
  return text;
}

const SEX = {
  1: "M",
  2: "F",
  "1.0": "M",
  "2.0": "F",
  男: "M",
  女: "F",
  男性: "M",
  女性: "F",
  MALE: "M",
  FEMALE: "F",
};

/** The case of pairs of a header and a value, and what was not understood. */
function gather(pairs, fields, told) {
  const find = reader(fields);
  const codes = { diagnoses: [], procedures: [] };
  const values = {};
  let known = false;
  for (const [header, value] of pairs) {
    if (value === null || value === undefined || String(value).trim() === "") continue;
    const found = find(header);
    const field = found && fields.find((one) => one.name === found.name);
    known = known || Boolean(field);
    if (!field) told.push(t("paste_column", { header }));
    else if (CODES.includes(field.name)) {
      const list = Array.isArray(value) ? value.map(String) : codesIn(String(value));
      codes[field.name].push({ place: found.place, list });
    } else if (field.name in values) told.push(t("paste_twice", { header, title: field.title }));
    else {
      const text = written(field.kind, value);
      if (text === null) told.push(t("paste_value", { title: field.title, value }));
      else values[field.name] = field.name === "sex" ? SEX[text.toUpperCase()] || text : text;
    }
  }
  const joined = (name) => {
    const columns = codes[name].sort((a, b) => a.place - b.place);
    const all = columns
      .flatMap(({ list }) => list)
      .map((code) => code.trim())
      .filter(Boolean);
    // The principal code stands once more in a column of all codes.
    const again = columns.length > 1 ? all.indexOf(all[0], 1) : -1;
    if (again > 0) told.push(t("paste_repeated", { code: all.splice(again, 1)[0] }));
    return all.map((code) => ({ code }));
  };
  return { values, diagnoses: joined("diagnoses"), procedures: joined("procedures"), told, known };
}

function readJson(text, fields) {
  let data;
  try {
    data = JSON.parse(text);
  } catch (error) {
    return { told: [t("paste_json", { detail: error.message })] };
  }
  const told = [];
  if (Array.isArray(data)) {
    if (data.length > 1) told.push(t("paste_more", { n: data.length - 1 }));
    [data] = data;
  }
  if (data && typeof data.claim === "object") data = data.claim;
  if (!data || typeof data !== "object" || Array.isArray(data))
    return { told: [t("paste_nothing")] };
  return gather(Object.entries(data), fields, told);
}

/** Reads a text: {values, diagnoses, procedures, told}; without `values` nothing could be read. */
export function readCase(text, fields) {
  const trimmed = text
    .replace(/^\ufeff/, "")
    .replace(/^\s*\n/, "")
    .trimEnd();
  if (!trimmed.trim()) return { told: [t("paste_nothing")] };
  if (/^\s*[{[]/.test(trimmed)) return readJson(trimmed, fields);
  const [header, row, ...more] = cellsOf(trimmed);
  if (!row) return { told: [t("paste_header")] };
  const told = more.length ? [t("paste_more", { n: more.length })] : [];
  if (row.length > header.length) told.push(t("paste_longer", { n: row.length - header.length }));
  const read = gather(
    header.map((name, place) => [name.trim(), row[place]]),
    fields,
    told,
  );
  const empty =
    !Object.keys(read.values).length && !read.diagnoses.length && !read.procedures.length;
  return empty ? { told: read.known ? read.told : [t("paste_header"), ...read.told] } : read;
}
