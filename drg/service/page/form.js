// The case as a form: fields in groups, codes in lists; errors of the service stand at their field.

import { codeList } from "./codes.js";
import { el } from "./dom.js";
import { written } from "./paste.js";
import { inWords } from "./pieces.js";
import { changed, emptyCase, fieldIn, fieldOf, state } from "./store.js";
import { known, language, t } from "./words.js";

/** Fields of each group, in the order of the screen; all others stand under the last heading. */
const GROUPS = {
  person: [
    "claim_id",
    "sex",
    "age",
    "age_days",
    "birth_weight_g",
    "admission_weight_g",
    "insurance",
  ],
  stay: [
    "admitted_on",
    "discharged_on",
    "los_days",
    "disposition",
    "department",
    "icu_hours",
    "ventilation_hours",
  ],
  cost: [
    "total_cost",
    "patient_paid",
    "new_technology_cost",
    "hospital_level",
    "hospital_id",
    "care_type",
  ],
};
const CHOICES = {
  sex: ["M", "F"],
  insurance: ["310", "390"],
  disposition: ["1", "2", "3", "4", "5", "9"],
  inpatient_type: ["1", "2"],
};
const CODES = ["diagnoses", "procedures"];

/** A field's control, bound to the case. */
function control(field) {
  const id = `field-${field.name}`;
  const value = state.case.values[field.name] || "";
  const set = (event) => {
    state.case.values[field.name] = event.target.value;
    clearError(field.name);
    event.target.closest(".field").classList.toggle("empty", event.target.value === "");
    changed("case");
  };
  const shared = {
    id,
    "data-field": field.name,
    title: language() === "en" ? field.meaning : field.title,
    "aria-describedby": `${id}-error`,
  };
  const choices = CHOICES[field.name];
  if (choices) {
    const offered = value && !choices.includes(value) ? [...choices, value] : choices;
    const named = (code) =>
      known(`${field.name}_${code}`) ? `${code} ${t(`${field.name}_${code}`)}` : code;
    return el(
      "select",
      { ...shared, onchange: set },
      el("option", { value: "" }, t("not_reported")),
      offered.map((code) => el("option", { value: code, selected: code === value }, named(code))),
    );
  }
  const numeric = field.kind === "int" ? "numeric" : field.kind === "money" ? "decimal" : null;
  // Not a date control: its order of day and month is the browser's, and it takes no pasted day.
  const tidy = (event) => {
    const day = written("date", event.target.value);
    if (!day || day === event.target.value) return;
    event.target.value = day;
    set(event);
  };
  return el("input", {
    ...shared,
    type: "text",
    inputmode: numeric,
    autocomplete: "off",
    value,
    oninput: set,
    placeholder: field.kind === "date" ? "2024-06-30" : null,
    onchange: field.kind === "date" ? tidy : null,
  });
}

function labelled(field) {
  const id = `field-${field.name}`;
  const word = known(`unit_${field.unit}`) ? t(`unit_${field.unit}`) : "";
  const title =
    word && !field.title.includes(word)
      ? t("unit_in", { title: field.title, unit: word })
      : field.title;
  return el(
    "div",
    { class: `field${state.case.values[field.name] ? "" : " empty"}` },
    el("label", { for: id }, title),
    control(field),
    el("p", { class: "wrong", id: `${id}-error`, role: "alert", hidden: true }),
  );
}

/** Takes away what was said of a field. */
function clearError(name) {
  const place = document.getElementById(`field-${name}-error`);
  if (place) place.hidden = true;
  const input = document.getElementById(`field-${name}`);
  if (input) input.removeAttribute("aria-invalid");
}

/** Says a Failure at the field it names; false where it names none of the form. */
export function showAtField(error) {
  const field = fieldIn(error);
  const input = field && document.getElementById(`field-${field.name}`);
  if (!input) return false;
  const place = document.getElementById(`field-${field.name}-error`);
  place.textContent = inWords(error).what;
  place.hidden = false;
  input.setAttribute("aria-invalid", "true");
  input.closest("details")?.setAttribute("open", "");
  input.focus();
  input.scrollIntoView({ block: "center" });
  return true;
}

/** The whole form; `node`, and `draw()` after the case was exchanged for another. */
export function caseForm() {
  const node = el("form", {
    class: "case",
    autocomplete: "off",
    novalidate: true,
    onsubmit: (event) => event.preventDefault(),
  });
  const draw = () => {
    const used = new Set([...CODES, ...Object.values(GROUPS).flat()]);
    const group = (name) =>
      el(
        "fieldset",
        {},
        el("legend", {}, t(`group_${name}`)),
        el("div", { class: "grid" }, GROUPS[name].map(fieldOf).filter(Boolean).map(labelled)),
      );
    const rest = state.fields.filter((field) => !used.has(field.name));
    const filled = rest.some((field) => state.case.values[field.name]);
    node.replaceChildren(
      ...CODES.map(codeList),
      group("person"),
      group("stay"),
      group("cost"),
      el(
        "details",
        { open: filled },
        el("summary", {}, t("group_more", { n: rest.length })),
        el("div", { class: "grid" }, rest.map(labelled)),
      ),
    );
  };
  draw();
  return { node, draw };
}

/** Exchanges the case for another. */
export function setCase(values, diagnoses, procedures) {
  state.case = { ...emptyCase(), values, diagnoses, procedures };
}
