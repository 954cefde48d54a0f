// Chosen scenarios side by side: what differs from the first column is marked by a sign and words.

import { el, table } from "./dom.js";
import { signed, signedText, yuan } from "./figures.js";
import { findingList, groupWords, worded } from "./pieces.js";
import { differenceWord } from "./result.js";
import { t } from "./words.js";

/** Most columns: more do not fit the screen of a ward. */
export const MOST = 4;

/** Rows: name, text of a case (what is compared), and optionally how it is shown. */
const ROWS = [
  ["group", (one) => one.grouping.group || one.grouping.outcome, (one) => groupWords(one.grouping)],
  ["severity", (one) => worded("severity", one.grouping.severity)],
  [
    "outcome",
    (one) =>
      [worded("outcome", one.grouping.outcome), one.grouping.reason_title]
        .filter(Boolean)
        .join(" · "),
  ],
  ["pay_mode", (one) => one.money?.pay_mode_title || "—"],
  [
    "measure",
    (one) => one.money?.weight || one.money?.score || one.money?.points || "—",
    null,
    (one, first) =>
      one.difference?.weight &&
      first.base &&
      /[1-9]/.test(one.difference.weight) &&
      signedText(one.difference.weight),
  ],
  [
    "rate",
    (one) =>
      one.money?.rate_fen !== null && one.money?.rate_fen !== undefined
        ? yuan(one.money.rate_fen)
        : one.money?.point_value || "—",
  ],
  [
    "standard",
    (one) => yuan(one.money?.standard_fen),
    null,
    (one, first) => less(one.money?.standard_fen, first.money?.standard_fen),
  ],
  ["case_class", (one) => one.money?.case_class_title || "—"],
  [
    "fund",
    (one) => yuan(one.money?.fund_fen),
    null,
    (one, first) => less(one.money?.fund_fen, first.money?.fund_fen),
  ],
  [
    "difference",
    (one) => signed(one.money?.difference_fen),
    (one) => [signed(one.money?.difference_fen), " ", differenceWord(one.money?.difference_fen)],
  ],
];

/** How much an amount is above or below another, with a word; "" where one is missing. */
function less(fen, other) {
  if (fen === null || fen === undefined || other === null || other === undefined || fen === other)
    return "";
  return `${signed(fen - other)} ${t(fen > other ? "more" : "less")}`;
}

function changes(one) {
  if (one.base) return t("as_recorded");
  return el(
    "ul",
    {},
    one.changes.map((change) =>
      el(
        "li",
        {},
        `${change.title}${t("colon")}`,
        el("del", {}, change.before || "—"),
        " → ",
        el("ins", {}, change.after || "—"),
      ),
    ),
  );
}

/** Findings of the case as recorded; of a scenario what it raises and settles. */
function found(one) {
  if (one.base) return findingList(one.findings);
  const part = (name) =>
    one[name].length ? [el("p", {}, t(`findings_${name}`)), findingList(one[name])] : [];
  return one.raised.length || one.cleared.length
    ? [...part("raised"), ...part("cleared")]
    : t("findings_same");
}

/** A table of cases (`base` marks the recorded one), differences to the first marked. */
export function comparison(cases) {
  if (cases.length < 2) return el("p", { class: "hint" }, t("compare_few"));
  const [first] = cases;
  const differing = (one, read) => one !== first && read(one) !== read(first);
  const rows = ROWS.map(([name, read, show, note]) => ({
    attributes: { "data-row": name },
    cells: [
      { cell: t(name), scope: "row" },
      ...cases.map((one) => {
        const other = differing(one, read);
        const beside = other && note ? note(one, first) : "";
        return {
          cell: [
            other
              ? el(
                  "span",
                  { class: "sign", title: t("differs") },
                  "≠ ",
                  el("span", { class: "quiet" }, t("differs")),
                )
              : null,
            show ? show(one) : read(one),
            beside ? el("small", {}, beside) : null,
          ],
          class: other ? "differs" : null,
        };
      }),
    ],
  }));
  const whole = (name, show) => ({
    attributes: { "data-row": name },
    cells: [{ cell: t(name), scope: "row" }, ...cases.map((one) => ({ cell: show(one) }))],
  });
  const lines = (texts) => (texts.length ? texts.map((text) => el("p", {}, text)) : "—");
  return table(
    [t("compared"), ...cases.map((one) => `${one.base ? "" : `${one.place}. `}${one.label}`)],
    [
      whole("changes", changes),
      ...rows,
      whole("because", (one) => (one.base ? "—" : lines(one.because))),
      whole("findings_short", found),
    ],
    { class: `compare columns-${cases.length}`, "aria-labelledby": "compare-title" },
  );
}
