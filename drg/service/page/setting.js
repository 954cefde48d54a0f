// The bar above all tabs: scheme, policy, audit rules, edition of codes, numbers other than the policy's own.

import { announce, el } from "./dom.js";
import { changed, state } from "./store.js";
import { language, t } from "./words.js";

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
    { id, onchange: (event) => chosen(event.target.value) },
    none ? el("option", { value: "" }, none) : null,
    groups.length > 1
      ? groups.map(([kind, found]) =>
          el("optgroup", { label: t(`kind_${kind}`) }, found.map(option)),
        )
      : rows.map(option),
  );
  return el("div", { class: "choice" }, el("label", { for: id }, label), select);
}

/** Sets the policy, its scheme with it, and a row for each number it still needs. */
export function choosePolicy(id) {
  state.policy = id;
  const policy = state.policies.find((row) => row.id === id);
  state.numbers = Object.keys((policy && policy.wanted) || {}).map((path) => ({
    path,
    value: "",
    why: policy.wanted[path],
  }));
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
        el(
          "button",
          {
            type: "button",
            class: "small",
            title: t("remove"),
            "aria-label": t("remove"),
            onclick: () => {
              state.numbers.splice(place, 1);
              draw();
              changed("setting");
            },
          },
          "×",
        ),
        row.why ? el("span", { class: "hint" }, row.why) : null,
      ),
    ),
    el(
      "button",
      {
        type: "button",
        class: "plain",
        disabled: !state.policy,
        id: "add-number",
        onclick: () => {
          state.numbers.push({ path: "", value: "" });
          draw();
          [...document.querySelectorAll(".number-row")].at(-1).querySelector("input").focus();
        },
      },
      t("number_add"),
    ),
    state.numbers.length ? el("p", { class: "hint" }, t("number_hint")) : null,
  );
}

/** Days a policy or scheme is in force, in words; "" where none are known. */
function inForce(row) {
  if (!row || !row.in_force) return "";
  const [from, to] = row.in_force;
  return from || to ? t("in_force", { from: from || "…", to: to || "…" }) : "";
}

/** The bar; drawn anew in place whenever a choice changes what stands in it. */
export function settingBar() {
  const node = el("section", { class: "setting", "aria-label": t("setting") });
  const again = (id) => {
    draw();
    changed("setting");
    document.getElementById(id)?.focus();
  };
  const draw = () => {
    const policy = state.policies.find((row) => row.id === state.policy);
    const notes = [
      inForce(state.schemes.find((row) => row.id === state.scheme)) &&
        t("scheme_days", { days: inForce(state.schemes.find((row) => row.id === state.scheme)) }),
      inForce(policy) && t("policy_days", { days: inForce(policy) }),
      policy && policy.synthetic && t("policy_synthetic"),
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
          again("codes");
        },
      ),
      numbers(draw),
      notes.length
        ? el("p", { class: "hint wide" }, notes.join(language() === "zh" ? "；" : "; "))
        : null,
    );
  };
  draw();
  return { node, draw };
}
