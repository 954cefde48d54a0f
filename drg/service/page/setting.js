// The bar above all tabs: scheme, policy, audit rules, edition of codes, numbers other than the policy's own.

import { announce, button, el, signButton } from "./dom.js";
import { changed, state } from "./store.js";
import { t } from "./words.js";

const KINDS = ["drg", "dip", "place", "other"];

function choice(id, label, rows, value, none, chosen) {
  const groups = KINDS.map((kind) => [
    kind,
    rows.filter((row) => (row.kind || "other") === kind),
  ]).filter(([, found]) => found.length);
  const option = (row) =>
    el(
      "option",
      { value: row.id, selected: row.id === value },
      row.plain ? row.title : `${row.id} ${row.title}`,
    );
  const select = el(
    "select",
    {
      id,
      // A long title does not fit the box.
      title: rows.find((row) => row.id === value)?.title,
      onchange: (event) => chosen(event.target.value),
    },
    none ? el("option", { value: "" }, none) : null,
    groups.length > 1
      ? groups.map(([kind, found]) =>
          el("optgroup", { label: t(`kind_${kind}`) }, found.map(option)),
        )
      : rows.map(option),
  );
  return el("div", { class: "choice" }, el("label", { for: id }, label), select);
}

/** What the price of a case can need of a policy's numbers; others settle months and years. */
const PRICED = /^(drg|dip|bed_day|per_disease|outpatient\.(?!per_head))/;
/** How a policy says what to give: `--set drg.rates.310=AMOUNT`. */
const SUPPLY = /--set ([\w.\u4e00-\u9fff]+)=([^\s,;，；。（(]+)/g;
const TABLE = /csv|TABLE|FILE|FOLDER|[表夹]/;

/** The numbers a policy wants, as rows to fill in, and the tables, which have no place here. */
function wantedOf(policy) {
  const [rows, tables] = [[], []];
  for (const [path, note] of Object.entries((policy && policy.wanted) || {})) {
    if (!PRICED.test(path)) continue;
    const ways = [...note.matchAll(SUPPLY)];
    const why = note.split(/[。.]\s*[^。.]*--set /)[0];
    const given = ways.filter(([, , value]) => !TABLE.test(value));
    if (ways.length && !given.length) tables.push(path);
    for (const [place, [, one]] of given.entries())
      rows.push({ path: one, value: "", why: place === 0 ? why : "" });
    if (!ways.length) rows.push({ path, value: "", why });
  }
  return { rows, tables };
}

/** Sets the policy, its scheme with it, and a row for each number it still needs. */
export function choosePolicy(id) {
  state.policy = id;
  const policy = state.policies.find((row) => row.id === id);
  state.numbers = wantedOf(policy).rows;
  if (policy && policy.scheme && policy.scheme !== state.scheme) {
    state.scheme = policy.scheme;
    announce(t("scheme_follows", { scheme: policy.scheme }));
  }
}

function numbers(draw) {
  const input = (row, key, label) =>
    el("input", {
      type: "text",
      value: row[key],
      "aria-label": label,
      placeholder: label,
      autocomplete: "off",
      spellcheck: "false",
      oninput: (event) => {
        row[key] = event.target.value;
        changed("setting");
      },
    });
  return el(
    "div",
    { class: "numbers" },
    state.numbers.map((row, place) =>
      el(
        "div",
        { class: "number-row" },
        input(row, "path", t("number_path")),
        "=",
        input(row, "value", t("number_value")),
        signButton("×", t("remove"), () => {
          state.numbers.splice(place, 1);
          draw();
          changed("setting");
        }),
        row.why ? el("span", { class: "hint" }, row.why) : null,
      ),
    ),
    button(
      t("number_add"),
      () => {
        state.numbers.push({ path: "", value: "" });
        draw();
        [...document.querySelectorAll(".number-row")].at(-1).querySelector("input").focus();
      },
      { class: "plain", disabled: !state.policy, id: "add-number" },
    ),
    state.numbers.length ? el("p", { class: "hint" }, t("number_hint")) : null,
  );
}

/** Days a policy or scheme is in force, in words; "" where none are known. */
function inForce(row) {
  if (!row || !row.in_force) return "";
  const [from, until] = row.in_force;
  const to = until && dayBefore(until);
  if (from && to) return t("in_force", { from, to });
  return from ? t("in_force_from", { from }) : to ? t("in_force_to", { to }) : "";
}

/** The last day in force: the service tells the first one that is not. */
function dayBefore(day) {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() - 1);
  return date.toISOString().slice(0, 10);
}

/** The bar; drawn anew in place whenever a choice changes what stands in it. */
export function settingBar() {
  const node = el("section", { class: "setting", "aria-label": t("setting") });
  const again = (id, what = "setting") => {
    draw();
    changed(what);
    document.getElementById(id)?.focus();
  };
  const draw = () => {
    const policy = state.policies.find((row) => row.id === state.policy);
    const { tables } = wantedOf(policy);
    const notes = [
      inForce(state.schemes.find((row) => row.id === state.scheme)) &&
        t("scheme_days", { days: inForce(state.schemes.find((row) => row.id === state.scheme)) }),
      inForce(policy) && t("policy_days", { days: inForce(policy) }),
      policy && policy.synthetic && t("policy_synthetic"),
      tables.length && t("number_tables", { paths: tables.join(t("comma")) }),
    ].filter(Boolean);
    node.replaceChildren(
      choice("scheme", t("scheme"), state.schemes, state.scheme, null, (value) => {
        state.scheme = value;
        again("scheme");
      }),
      choice("policy", t("policy"), state.policies, state.policy, t("policy_none"), (value) => {
        choosePolicy(value);
        again("policy");
      }),
      choice("rules", t("rules"), state.ruleSets, state.rules, t("rules_none"), (value) => {
        state.rules = value;
        again("rules");
      }),
      choice(
        "codes",
        t("codes"),
        ["insurance", "clinical"].map((id) => ({ id, title: t(`codes_${id}`), plain: true })),
        state.codes,
        t("codes_same"),
        (value) => {
          state.codes = value;
          again("codes", "edition");
        },
      ),
      numbers(draw),
      el("p", { class: "hint wide", hidden: !notes.length }, notes.join(t("semicolon"))),
    );
  };
  draw();
  return { node, draw };
}
