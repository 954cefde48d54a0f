// What the user has entered. It lives in this tab only: nothing is stored, nothing outlives it.

/** What the service takes for: without. */
const NONE = "none";
const listeners = new Set();

/** One case: texts of fields, codes with their names. */
export const emptyCase = () => ({ values: {}, diagnoses: [], procedures: [] });

export const state = {
  case: emptyCase(),
  scheme: "",
  policy: "",
  rules: "",
  codes: "",
  numbers: [],
  fields: [],
  schemes: [],
  policies: [],
  ruleSets: [],
};

/** Calls `then(what)` after every change; `what` is "case", "setting" or, where it is that of
 * codes, "edition". */
export function onChange(then) {
  listeners.add(then);
}

/** Tells everyone that something has changed. */
export function changed(what) {
  for (const then of listeners) then(what);
}

/** The field of a name, as the server describes it. */
export const fieldOf = (name) => state.fields.find((field) => field.name === name);

/** The field that a Failure is about, by its place such as `claim.age`; undefined: none. */
export function fieldIn(error) {
  const names = (error.where || "").split(/\W+/);
  return state.fields.find((field) => names.includes(field.name));
}

/** The case as the service takes it. Whole numbers go as numbers; what is none goes as it was
 * written, so that the server says what is wrong with it. */
export function claimOf(given = state.case) {
  const claim = {};
  for (const [name, written] of Object.entries(given.values)) {
    const text = written.trim();
    if (text === "") continue;
    const kind = (fieldOf(name) || {}).kind;
    claim[name] = kind === "int" && /^-?\d{1,15}$/.test(text) ? Number(text) : text;
  }
  // Before settlement a case has no number yet; answers name it by something all the same.
  claim.claim_id = claim.claim_id || "-";
  claim.diagnoses = given.diagnoses.map((entry) => entry.code);
  claim.procedures = given.procedures.map((entry) => entry.code);
  return claim;
}

/** Scheme, policy, rules and own numbers as the service takes them. */
export function settingOf() {
  const setting = {};
  if (state.scheme) setting.scheme = state.scheme;
  if (state.codes) setting.codes = state.codes;
  setting.policy = state.policy || NONE;
  setting.rules = state.rules || NONE;
  const numbers = state.numbers.filter((row) => row.path.trim() && row.value.trim());
  if (state.policy && numbers.length) {
    setting.set = Object.fromEntries(numbers.map((row) => [row.path.trim(), row.value.trim()]));
  }
  return setting;
}

/** Whether there is anything to group. */
export const hasCodes = () => state.case.diagnoses.length > 0 || state.case.procedures.length > 0;
