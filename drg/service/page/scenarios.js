// What would change the case: all alternatives in recorded order, and chosen ones side by side.

import { ask } from "./api.js";
import { comparison, MOST } from "./compare.js";
import { codeSearch } from "./search.js";
import { announce, button, el, signButton, table } from "./dom.js";
import { signed, signedText, yuan } from "./figures.js";
import { groupWords, notice, problem } from "./pieces.js";
import { claimOf, fieldOf, hasCodes, onChange, settingOf, state } from "./store.js";
import { t } from "./words.js";

const CORRECTED = [
  "age",
  "age_days",
  "birth_weight_g",
  "admission_weight_g",
  "sex",
  "disposition",
  "los_days",
  "icu_hours",
  "ventilation_hours",
  "total_cost",
  "discharged_on",
  "insurance",
  "hospital_level",
];

/** What is asked for beside the recorded codes; kept while the tab is open. */
const wanted = {
  principals: true,
  principal_procedures: true,
  drops: true,
  add: { dx: [], px: [] },
  corrections: {},
  others: [],
};
let answer = null;
let failed = null;
let old = false;
let chosen = new Set();
let running = null;

function checks(draw) {
  return el(
    "fieldset",
    { class: "row" },
    el("legend", {}, t("try_recorded")),
    ["principals", "principal_procedures", "drops"].map((name) =>
      el(
        "label",
        { class: "check" },
        el("input", {
          type: "checkbox",
          checked: wanted[name],
          onchange: (event) => {
            wanted[name] = event.target.checked;
            draw();
          },
        }),
        t(`try_${name}`),
      ),
    ),
  );
}

function chip(words, gone) {
  return el("li", {}, words, signButton("×", t("remove"), gone));
}

function additions(draw) {
  const adding = (kind) =>
    codeSearch(kind, t(`try_add_${kind}`), (entries) => {
      const known = new Set(wanted.add[kind].map((entry) => entry.code));
      wanted.add[kind].push(...entries.filter((entry) => !known.has(entry.code)));
      draw();
      document.querySelector(`.scenarios [data-search="${kind}"]`).focus();
    });
  const chips = ["dx", "px"].flatMap((kind) =>
    wanted.add[kind].map((entry, place) =>
      chip([el("b", { class: "code" }, entry.code), ` ${entry.name || ""}`], () => {
        wanted.add[kind].splice(place, 1);
        draw();
      }),
    ),
  );
  return el(
    "fieldset",
    {},
    el("legend", {}, t("try_add")),
    el("p", { class: "hint" }, t("try_add_hint")),
    adding("dx"),
    adding("px"),
    chips.length ? el("ul", { class: "chips" }, chips) : null,
  );
}

function corrections(draw) {
  const name = el(
    "select",
    { id: "correct-field" },
    CORRECTED.filter(fieldOf).map((field) => el("option", { value: field }, fieldOf(field).title)),
  );
  const value = el("input", {
    id: "correct-value",
    type: "text",
    autocomplete: "off",
    placeholder: t("correct_hint"),
  });
  const add = () => {
    wanted.corrections[name.value] = value.value.trim();
    draw();
    document.getElementById("correct-value").focus();
  };
  value.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      add();
    }
  });
  const chips = Object.entries(wanted.corrections).map(([field, right]) =>
    chip(`${fieldOf(field).title} → ${right || t("not_reported")}`, () => {
      delete wanted.corrections[field];
      draw();
    }),
  );
  return el(
    "fieldset",
    {},
    el("legend", {}, t("try_correct")),
    el(
      "div",
      { class: "inline" },
      el("label", { for: "correct-field", class: "quiet" }, t("correct_field")),
      name,
      el("label", { for: "correct-value", class: "quiet" }, t("correct_value")),
      value,
      button(t("add"), add),
    ),
    chips.length ? el("ul", { class: "chips" }, chips) : null,
  );
}

function others(draw) {
  const options = (rows) => [
    el("option", { value: "" }, t("other_same")),
    ...rows.map((row) => el("option", { value: row.id }, `${row.id} ${row.title}`)),
  ];
  const scheme = el("select", { id: "other-scheme" }, options(state.schemes));
  const policy = el("select", { id: "other-policy" }, options(state.policies));
  const number = el("input", {
    id: "other-number",
    type: "text",
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "drg.rates.310 = 9000",
  });
  const add = () => {
    const other = {};
    if (scheme.value) other.scheme = scheme.value;
    if (policy.value) other.policy = policy.value;
    const [path, right] = number.value.split("=").map((part) => part.trim());
    if (path && right) other.set = { [path]: right };
    if (!Object.keys(other).length) return;
    wanted.others.push(other);
    draw();
    document.getElementById("other-scheme").focus();
  };
  const shown = (other) =>
    [other.scheme, other.policy, ...Object.entries(other.set || {}).map((pair) => pair.join(" = "))]
      .filter(Boolean)
      .join(t("comma"));
  const chips = wanted.others.map((other, place) =>
    chip(shown(other), () => {
      wanted.others.splice(place, 1);
      draw();
    }),
  );
  return el(
    "fieldset",
    {},
    el("legend", {}, t("try_other")),
    el(
      "div",
      { class: "inline" },
      el("label", { for: "other-scheme" }, t("scheme")),
      scheme,
      el("label", { for: "other-policy" }, t("policy")),
      policy,
      el("label", { for: "other-number" }, t("number")),
      number,
      button(t("add"), add),
    ),
    chips.length ? el("ul", { class: "chips" }, chips) : null,
  );
}

/** The difference of amounts in figures and a word. */
function more(fen) {
  if (fen === null || fen === undefined) return "—";
  return fen === 0 ? t("same") : `${signed(fen)} ${t(fen > 0 ? "more" : "less")}`;
}

function rows(draw) {
  const line = (place, cells, kind) => ({
    attributes: {
      class: chosen.has(place) ? "chosen" : null,
      "data-place": place,
      "data-kind": kind,
    },
    cells: [
      el("input", {
        type: "checkbox",
        checked: chosen.has(place),
        "aria-label": t("choose", { n: place === 0 ? t("as_recorded") : place }),
        disabled: !chosen.has(place) && chosen.size >= MOST,
        onchange: (event) => {
          if (event.target.checked) chosen.add(place);
          else chosen.delete(place);
          // The comparison above grows and shrinks: the row stays where the eye is.
          const before = event.target.getBoundingClientRect().top;
          draw();
          const box = document.querySelector(`tr[data-place="${place}"] input`);
          box.focus({ preventScroll: true });
          window.scrollBy(0, box.getBoundingClientRect().top - before);
        },
      }),
      ...cells,
    ],
  });
  const number = (cell) => ({ cell, class: "number" });
  const base = answer.base;
  const measure = (money) =>
    number(money ? money.weight || money.score || money.points || "—" : "—");
  return [
    line(
      0,
      [
        "—",
        { cell: el("b", {}, t("as_recorded")), scope: "row" },
        [groupWords(base.grouping)],
        measure(base.money),
        number(yuan(base.money?.standard_fen)),
        number(yuan(base.money?.fund_fen)),
        number("—"),
        "",
      ],
      "base",
    ),
    ...answer.scenarios.map((one) =>
      line(
        one.place,
        [
          String(one.place),
          { cell: one.label, scope: "row" },
          one.same_group
            ? [el("span", { class: "same" }, `= ${t("same_group")}`)]
            : [el("span", { class: "other" }, `≠ `), groupWords(one.grouping)],
          number([
            measure(one.money).cell,
            one.difference.weight && /[1-9]/.test(one.difference.weight)
              ? el("small", {}, signedText(one.difference.weight))
              : null,
          ]),
          number(yuan(one.money?.standard_fen)),
          number(yuan(one.money?.fund_fen)),
          number(more(one.difference.fund_fen)),
          [
            one.raised.length ? t("raised", { n: one.raised.length }) : "",
            one.raised.length && one.cleared.length ? el("br") : "",
            one.cleared.length ? t("cleared", { n: one.cleared.length }) : "",
          ],
        ],
        one.kind,
      ),
    ),
  ];
}

async function run(draw) {
  if (!hasCodes()) {
    failed = { message: t("no_case") };
    answer = null;
    return draw();
  }
  if (running) running.abort();
  running = new AbortController();
  const { signal } = running;
  const body = {
    ...settingOf(),
    claim: claimOf(),
    principals: wanted.principals,
    principal_procedures: wanted.principal_procedures,
    drops: wanted.drops,
    add_diagnoses: wanted.add.dx.map((entry) => entry.code),
    add_procedures: wanted.add.px.map((entry) => entry.code),
    corrections: wanted.corrections,
    others: wanted.others,
  };
  try {
    const found = await ask("/simulate", { body, signal });
    if (signal.aborted) return;
    [answer, failed, old] = [found, null, false];
    const first = answer.scenarios.find((one) => !one.same_group) || answer.scenarios[0];
    const kept = [...chosen].filter((place) => place <= answer.scenarios.length);
    chosen = new Set(kept.length > 1 ? kept : [0, ...(first ? [first.place] : [])]);
    announce(t("scenarios_done", { n: answer.scenarios.length }));
  } catch (error) {
    if (error.name === "AbortError") return;
    [answer, failed] = [null, error];
  }
  draw();
}

/** The tab of scenarios: `node`, `run()` for the shortcut, and whether it was `asked()`. */
export function scenarioTab() {
  const node = el("div", { class: "scenarios" });
  const draw = () => {
    const held = node.contains(document.activeElement) ? document.activeElement.id : "";
    const all = answer
      ? [{ place: 0, label: t("as_recorded"), base: true, ...answer.base }, ...answer.scenarios]
      : [];
    node.replaceChildren(
      answer ? notice("", answer.notice) : "",
      el("div", { class: "asked" }, checks(draw), additions(draw), corrections(draw), others(draw)),
      el(
        "p",
        { class: "actions" },
        button(t("simulate"), () => run(draw), { class: "main", id: "simulate" }),
        el("span", { class: "hint" }, t("simulate_hint")),
      ),
      failed ? problem(failed) : "",
      answer && old ? notice("", t("outdated")) : "",
      ...(answer
        ? [
            answer.left_out.length ? notice("", t("left_out"), answer.left_out) : "",
            el("h3", { id: "compare-title" }, t("compare")),
            el("p", { class: "hint" }, t("compare_hint", { most: MOST })),
            comparison(all.filter((one) => chosen.has(one.place))),
            el("h3", {}, t("scenarios_title", { n: answer.scenarios.length })),
            el("p", { class: "hint" }, t("order_hint")),
            table(
              [
                "",
                "#",
                t("scenario"),
                t("group"),
                ...["measure", "standard", "fund", "fund_difference"].map((name) => ({
                  cell: t(name),
                  class: "number",
                })),
                t("findings_short"),
              ],
              rows(draw),
              { class: "all" },
            ),
          ]
        : []),
    );
    if (held) document.getElementById(held)?.focus();
  };
  onChange(() => {
    if (answer && !old) {
      old = true;
      draw();
    }
  });
  draw();
  return { node, run: () => run(draw), asked: () => answer !== null };
}
