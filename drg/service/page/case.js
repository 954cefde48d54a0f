// The tab of one case: its form, pasting, examples, and the answer beside it.

import { ask } from "./api.js";
import { announce, button, calm, el } from "./dom.js";
import { EXAMPLES } from "./examples.js";
import { caseForm, setCase, showAtField } from "./form.js";
import { readCase } from "./paste.js";
import { inWords, notice, problem } from "./pieces.js";
import { explanation, oneLine } from "./result.js";
import { nameCodes } from "./search.js";
import { choosePolicy } from "./setting.js";
import { changed, claimOf, emptyCase, hasCodes, settingOf, state } from "./store.js";
import { t } from "./words.js";

const PAUSE = 250;
const parts = {};
let answer = null;
let told = [];
let explaining = null;
let grouping = null;

/** Whether there is an answer. */
export const answered = () => answer !== null;

/** Whether text is being pasted in its dialog. */
export const pasting = () => parts.dialog.open;

/** Shows what is known of the case: the answer, whether it is old, or what went wrong. */
export function drawAnswer(failed = null, old = false) {
  const nodes = failed
    ? [problem(failed)]
    : answer
      ? [explanation(answer)]
      : [el("p", { class: "hint start" }, t("start_hint"))];
  parts.answer.replaceChildren(
    ...(answer && old && !failed ? [notice("old", t("outdated"))] : []),
    ...nodes,
  );
  parts.answer.classList.toggle("old", old);
}

/** Brings the beginning of the answer back where a long form was scrolled past it. */
function intoView() {
  if (parts.answer.getBoundingClientRect().top < 0)
    parts.answer.scrollIntoView({ block: "start" });
}

export async function explain() {
  if (!hasCodes()) return drawAnswer({ message: t("no_case") });
  if (explaining) explaining.abort();
  explaining = new AbortController();
  const { signal } = explaining;
  parts.answer.setAttribute("aria-busy", "true");
  try {
    const found = await ask("/explain", { body: { ...settingOf(), claim: claimOf() }, signal });
    if (signal.aborted) return undefined;
    answer = found;
    drawAnswer();
    intoView();
    announce(t("explained", { group: found.grouping.group || found.grouping.outcome }));
  } catch (error) {
    if (error.name === "AbortError") return undefined;
    answer = null;
    drawAnswer(error);
    if (!showAtField(error)) intoView();
  }
  parts.answer.removeAttribute("aria-busy");
  return undefined;
}

/** Groups the case after every change: the line under the form. */
export const group = calm(PAUSE, async () => {
  if (grouping) grouping.abort();
  if (!hasCodes()) return parts.line.replaceChildren(t("line_empty"));
  grouping = new AbortController();
  const { signal } = grouping;
  const { scheme, codes } = settingOf();
  try {
    const found = await ask("/group", { body: { scheme, codes, claim: claimOf() }, signal });
    if (!signal.aborted)
      parts.line.replaceChildren(
        el("span", { class: "hint" }, t("line")),
        " ",
        ...[oneLine(found)].flat(3),
      );
  } catch (error) {
    if (error.name !== "AbortError")
      parts.line.replaceChildren(el("span", { class: "unknown" }, inWords(error).what));
  }
  return undefined;
});

/** Shows the codes anew, as where another edition reads them. */
export const drawForm = () => parts.form.draw();

export function drawTold() {
  parts.told.replaceChildren(...(told.length ? [notice("", t("paste_told"), told)] : []));
}

/** Takes over a case read elsewhere; names its codes while it is shown. */
async function takeCase(values, diagnoses, procedures, said) {
  setCase(values, diagnoses, procedures);
  told = said;
  answer = null;
  redrawCase();
  changed("case");
  await Promise.all([nameCodes("dx", diagnoses), nameCodes("px", procedures)]);
  if (state.case.diagnoses === diagnoses) parts.form.draw();
}

function redrawCase() {
  parts.form.draw();
  drawTold();
  drawAnswer();
}

export function paste(text) {
  const read = readCase(text, state.fields);
  if (!read.values) {
    parts.pasteTold.replaceChildren(notice("bad", read.told));
    if (!parts.dialog.open) {
      parts.pasteText.value = text;
      parts.dialog.showModal();
    }
    return;
  }
  parts.dialog.close();
  takeCase(read.values, read.diagnoses, read.procedures, read.told);
  announce(
    t("paste_done", {
      n: Object.keys(read.values).length,
      dx: read.diagnoses.length,
      px: read.procedures.length,
    }),
  );
  document.getElementById("explain").focus();
}

function pasteDialog() {
  parts.pasteText = el("textarea", {
    id: "paste-text",
    rows: "12",
    spellcheck: "false",
    autocomplete: "off",
  });
  parts.pasteTold = el("div", {});
  parts.dialog = el(
    "dialog",
    {
      "aria-labelledby": "paste-title",
      onclose: () => {
        parts.pasteText.value = "";
        parts.pasteTold.replaceChildren();
      },
    },
    el("h2", { id: "paste-title" }, t("paste")),
    el("p", { class: "hint" }, t("paste_hint")),
    el("label", { for: "paste-text" }, t("paste_label")),
    parts.pasteText,
    parts.pasteTold,
    el(
      "p",
      { class: "actions" },
      button(t("paste_read"), () => paste(parts.pasteText.value), {
        class: "main",
        id: "paste-read",
      }),
      button(t("close"), () => parts.dialog.close()),
    ),
  );
  return parts.dialog;
}

function takeExample(id, drawSetting) {
  const example = EXAMPLES.find((one) => one.id === id);
  if (!example) return;
  if (state.policies.some((policy) => policy.id === example.policy)) choosePolicy(example.policy);
  drawSetting();
  const entries = (codes) => codes.map((code) => ({ code }));
  takeCase({ ...example.values }, entries(example.diagnoses), entries(example.procedures), []);
}

/** An empty case of the same hospital: whoever sits here enters many of them. */
function clear() {
  const kept = ["hospital_id", "hospital_level"].map((name) => [name, state.case.values[name]]);
  state.case = { ...emptyCase(), values: Object.fromEntries(kept.filter(([, value]) => value)) };
  [told, answer] = [[], null];
  redrawCase();
  changed("case");
}

/** The tab of the case: its node and its dialog.
 *
 * `asked` has what other parts of the page do: `toScenarios()`, and `drawSetting()`.
 */
export function caseTab(asked) {
  parts.form = caseForm();
  parts.answer = el("section", { class: "answer", "aria-label": t("answer"), tabindex: "-1" });
  parts.line = el("p", { class: "line", "aria-live": "polite" }, t("line_empty"));
  parts.told = el("div", {});
  const tools = el(
    "div",
    { class: "tools" },
    button(t("paste"), () => parts.dialog.showModal(), { id: "paste" }),
    el(
      "select",
      {
        id: "example",
        "aria-label": t("examples"),
        onchange: (event) => {
          takeExample(event.target.value, asked.drawSetting);
          event.target.value = "";
        },
      },
      el("option", { value: "" }, t("examples")),
      EXAMPLES.map(({ id }) => el("option", { value: id }, t(`example_${id}`))),
    ),
    button(t("clear"), clear, { id: "clear", title: t("clear_hint") }),
  );
  const actions = el(
    "div",
    { class: "foot" },
    parts.line,
    el(
      "p",
      { class: "actions" },
      button(t("explain"), explain, {
        class: "main",
        id: "explain",
        "aria-keyshortcuts": "Control+Enter",
      }),
      button(t("to_scenarios"), asked.toScenarios, {
        id: "to-scenarios",
        "aria-keyshortcuts": "Control+Shift+Enter",
      }),
    ),
  );
  const node = el(
    "div",
    { class: "columns" },
    el(
      "section",
      { class: "entry", "aria-label": t("case") },
      tools,
      parts.told,
      parts.form.node,
      actions,
    ),
    parts.answer,
  );
  return { node, dialog: pasteDialog() };
}
