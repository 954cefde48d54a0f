// Parts that results and scenarios share: groups, findings, notices, errors.

import { el } from "./dom.js";
import { yuan } from "./figures.js";
import { fieldIn } from "./store.js";
import { known, t } from "./words.js";

/** Name of an outcome, a severity or another closed value; as it is when the catalogue has none. */
export const worded = (family, value) =>
  value && known(`${family}_${value}`) ? t(`${family}_${value}`) : value || "—";

/** A notice with its lines. */
export function notice(kind, ...lines) {
  return el(
    "div",
    { class: `notice ${kind}`, role: kind === "bad" ? "alert" : "note" },
    lines
      .flat()
      .filter(Boolean)
      .map((line) => el("p", {}, line)),
  );
}

/** What a Failure says to whoever sits here: a field by its title, and how to mend it on the page. */
export function inWords(error) {
  if (error.code === "offline") return { what: t("offline"), where: "", mend: t("offline_mend") };
  const what = `${error.code ? `[${error.code}] ` : ""}${error.what || error.message || String(error)}`;
  const field = fieldIn(error);
  if (!field) return { what, where: error.where || "", mend: error.mend || "" };
  return {
    what: what.replaceAll(field.name, field.title),
    where: field.title,
    mend: t("field_mend"),
  };
}

/** A Failure: what, where, and the mend. */
export function problem(error) {
  const { what, where, mend } = inWords(error);
  return notice(
    "bad",
    what,
    where ? t("error_where", { where }) : "",
    mend ? t("error_mend", { mend }) : "",
  );
}

/** Pairs of a name and what stands there. */
export function pairs(rows, attributes = { class: "pairs" }) {
  return el(
    "dl",
    attributes,
    rows
      .filter(Boolean)
      .map(([name, value, note]) =>
        el("div", {}, el("dt", {}, name), el("dd", {}, value, note ? el("small", {}, note) : null)),
      ),
  );
}

/** Group code with its name. */
export function groupWords(grouping) {
  const outcome = worded("outcome", grouping.outcome);
  if (!grouping.group) return outcome;
  const name = grouping.group_name || (grouping.outcome === "GROUPED" ? "" : outcome);
  return [el("b", { class: "code" }, grouping.group), " ", name];
}

/** Findings as a list; each says its level, what is wrong, and the mend. */
export function findingList(findings) {
  if (!findings.length) return el("p", { class: "hint" }, t("findings_none"));
  return el(
    "ul",
    { class: "findings" },
    findings.map((finding) =>
      el(
        "li",
        { class: `level-${finding.level.toLowerCase()}` },
        el("span", { class: "level" }, worded("level", finding.level)),
        " ",
        el("b", { class: "code" }, finding.code),
        " ",
        finding.title,
        finding.concerns ? el("span", { class: "concerns" }, ` ${finding.concerns}`) : null,
        finding.amount_fen !== null && finding.amount_fen !== undefined
          ? ` ${t("amount", { amount: yuan(finding.amount_fen) })}`
          : null,
        finding.mend ? el("p", { class: "mend" }, finding.mend) : null,
        finding.source
          ? el("small", { class: "source" }, t("from", { source: finding.source }))
          : null,
      ),
    ),
  );
}
