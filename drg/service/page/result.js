// One case explained: group, money, bounds, stay, decision path, findings.

import { costBar } from "./bar.js";
import { el, table } from "./dom.js";
import { dash, percent, signed, yuan } from "./figures.js";
import { findingList, groupWords, notice, pairs, worded } from "./pieces.js";
import { t } from "./words.js";

/** The difference to cost in a word: above or below it. */
export function differenceWord(fen) {
  if (fen === null || fen === undefined) return "";
  return t(fen === 0 ? "difference_none" : fen > 0 ? "difference_over" : "difference_under");
}

/** A class of DIP groups such as core.surgery. */
function classWords(given) {
  const [group, treated] = given.split(".");
  return [worded("class", group), treated ? worded("treated", treated) : ""]
    .filter(Boolean)
    .join(" · ");
}

function heading(grouping) {
  const grouped = grouping.outcome === "GROUPED";
  const place = (code, name) => (name ? `${code} ${name}` : "");
  const where = [
    // Where there is no group, or none with a name, the outcome stands above already.
    grouping.group_name ? worded("outcome", grouping.outcome) : "",
    grouping.severity ? worded("severity", grouping.severity) : "",
    place(grouping.mdc, grouping.mdc_name),
    grouping.adrg === grouping.group ? "" : place(grouping.adrg, grouping.adrg_name),
  ].filter(Boolean);
  return el(
    "div",
    { class: `verdict ${grouped ? "good" : "bad"}` },
    el("p", { class: "group" }, groupWords(grouping)),
    where.length ? el("p", {}, where.join(" · ")) : null,
    grouping.reason
      ? el("p", { class: "why" }, `[${grouping.reason}] ${grouping.reason_title}`)
      : null,
    grouping.nearest_version
      ? el("p", { class: "why" }, t("nearest_version", { version: grouping.nearest_version }))
      : null,
    grouping.group_class || grouping.auxiliary || grouping.decided_by
      ? el(
          "p",
          {},
          [
            grouping.group_class && t("group_class", { name: classWords(grouping.group_class) }),
            grouping.auxiliary && t("auxiliary", { name: grouping.auxiliary }),
            grouping.decided_by && t("decided_by", { name: worded("by", grouping.decided_by) }),
          ]
            .filter(Boolean)
            .join(" · "),
        )
      : null,
  );
}

/** An amount with its unit; a dash alone where there is none. */
const inYuan = (fen, shown = yuan) =>
  fen === null || fen === undefined ? "—" : t("yuan", { amount: shown(fen) });

const number = (cell) => ({ cell, class: "number" });

function boundWords(bound) {
  const distance = Math.abs(bound.distance_fen);
  const key =
    bound.distance_fen > 0 ? "bound_below" : bound.distance_fen < 0 ? "bound_above" : "bound_at";
  const ratio = (bound.distance_ratio || "").replace("-", "");
  return t(key, { amount: yuan(distance), ratio: ratio ? percent(ratio) : "—" });
}

function money(given) {
  const keys = pairs(
    [
      [
        t("pay_mode"),
        given.pay_mode_title,
        // Of a case that is paid the route says the same in other words.
        given.note || given.fund_fen === null ? given.route_title : "",
      ],
      given.weight ? [t("weight"), given.weight] : null,
      given.score ? [t("score"), given.score] : null,
      given.points ? [t("points"), given.points] : null,
      [t("standard"), inYuan(given.standard_fen)],
      [
        t("fund"),
        inYuan(given.fund_fen),
        given.capped_fund_fen !== null && given.capped_fund_fen !== undefined
          ? t("capped", { amount: yuan(given.capped_fund_fen) })
          : "",
      ],
      [t("patient"), inYuan(given.patient_fen)],
      [t("cost"), inYuan(given.cost_fen)],
      [
        t("difference"),
        el(
          "span",
          { class: given.difference_fen < 0 ? "minus" : given.difference_fen > 0 ? "plus" : null },
          inYuan(given.difference_fen, signed),
        ),
        differenceWord(given.difference_fen),
      ],
      [t("case_class"), given.case_class_title || "—", given.branch_title || ""],
    ],
    { class: "keys" },
  );
  const bounds = given.bounds.length
    ? [
        costBar(given.bounds, given.cost_fen, given.reference_fen),
        table(
          [t("bound"), number(t("bound_multiple")), number(t("bound_amount")), t("bound_distance")],
          given.bounds.map((bound) => [
            [bound.title, bound.source ? el("small", {}, bound.source) : null],
            number(`${bound.multiple}${bound.inclusive ? ` ${t("bound_inclusive")}` : ""}`),
            number(yuan(bound.amount_fen)),
            given.cost_fen === null ? "—" : boundWords(bound),
          ]),
          { class: "bounds" },
        ),
        given.reference_fen !== null && given.reference_fen !== undefined
          ? el("p", { class: "hint" }, t("reference", { amount: yuan(given.reference_fen) }))
          : null,
      ]
    : el("p", { class: "hint" }, t("bounds_none"));
  return el(
    "section",
    { "aria-labelledby": "money-title" },
    el("h3", { id: "money-title" }, t("money")),
    el("p", { class: "hint" }, [given.policy, given.policy_title].filter(Boolean).join(" ")),
    given.changed.length
      ? notice("", t("changed_numbers", { numbers: given.changed.join(t("comma")) }))
      : null,
    given.note ? notice("bad", `[${given.note}] ${given.note_title}`, given.note_mend) : null,
    keys,
    bounds,
    given.terms.length
      ? el(
          "details",
          { open: true },
          el("summary", {}, t("terms")),
          table(
            [t("term"), number(t("term_value")), t("term_source")],
            given.terms.map((term) => [
              term.name,
              number(
                term.amount_fen === null || term.amount_fen === undefined
                  ? term.value
                  : yuan(term.amount_fen),
              ),
              { cell: term.source, class: "source" },
            ]),
          ),
        )
      : null,
  );
}

function stay(given) {
  const ratio = (text) => (text ? t("times", { ratio: text }) : "");
  return el(
    "section",
    {},
    el("h3", {}, t("stay")),
    pairs([
      [t("los"), given.los_days === null ? "—" : t("days", { n: given.los_days })],
      [
        t("los_mean"),
        given.mean_days ? t("days", { n: given.mean_days }) : "—",
        ratio(given.ratio),
      ],
      given.mean_cost_fen !== null && given.mean_cost_fen !== undefined
        ? [t("cost_mean"), inYuan(given.mean_cost_fen), ratio(given.cost_ratio)]
        : null,
    ]),
    given.source ? el("p", { class: "hint" }, given.source) : null,
  );
}

/** The decision path: its lines as an indented tree; the table row of each beside it. */
function path(lines) {
  const top = el("ol", { class: "path" });
  const open = [{ depth: -1, list: top }];
  for (const line of lines) {
    while (open.length > 1 && open.at(-1).depth >= line.depth) open.pop();
    // A check that did not strike is nothing amiss.
    const holds = line.kind === "check" && !line.holds ? null : line.holds;
    const mark = holds === true ? "✓" : holds === false ? "✗" : "·";
    const said = holds === true ? t("holds") : holds === false ? t("holds_not") : "";
    const children = el("ol", {});
    const item = el(
      "li",
      { class: holds === true ? "holds" : holds === false ? "holds-not" : null },
      el("span", { class: "mark", "aria-hidden": "true" }, mark),
      said ? el("span", { class: "quiet" }, `${said} `) : null,
      line.text,
      line.source ? el("small", { class: "source" }, line.source) : null,
      children,
    );
    open.at(-1).list.append(item);
    open.push({ depth: line.depth, list: children });
  }
  top.querySelectorAll("ol:empty").forEach((list) => list.remove());
  return el(
    "section",
    {},
    el("h3", {}, t("path")),
    lines.length ? top : el("p", { class: "hint" }, t("path_none")),
  );
}

/** The codes as the service read them: for print, where the form is not shown. */
function record(given) {
  const rows = (codes) =>
    codes.map(([code, name], place) =>
      el(
        "li",
        {},
        el("b", { class: "code" }, code),
        ` ${name || ""}`,
        place === 0 ? ` (${t("principal_mark")})` : "",
      ),
    );
  return el(
    "section",
    { class: "record" },
    el("h3", {}, t("record", { id: dash(given.claim_id) })),
    el(
      "div",
      { class: "pair" },
      el("div", {}, el("h4", {}, t("diagnoses")), el("ol", {}, rows(given.diagnoses))),
      el(
        "div",
        {},
        el("h4", {}, t("procedures")),
        given.procedures.length ? el("ol", {}, rows(given.procedures)) : "—",
      ),
    ),
  );
}

/** An Explanation as nodes. */
export function explanation(given) {
  return el(
    "div",
    { class: "explanation" },
    heading(given.grouping),
    el(
      "p",
      { class: "hint" },
      t("answered_by", {
        scheme: dash(given.grouping.scheme),
        title: given.grouping.scheme_title || "",
        digest: given.grouping.digest.slice(0, 12),
      }),
    ),
    record(given),
    given.money ? money(given.money) : notice("", t("money_none")),
    el(
      "div",
      { class: "pair" },
      el("div", {}, stay(given.stay), path(given.path)),
      el(
        "section",
        { class: "aside" },
        el("h3", {}, t("findings", { n: given.findings.length })),
        findingList(given.findings),
      ),
    ),
  );
}

/** A Grouping in one line, for the running answer under the form. */
export function oneLine(grouping) {
  return [
    groupWords(grouping),
    grouping.severity ? ` · ${worded("severity", grouping.severity)}` : "",
    grouping.reason ? ` · [${grouping.reason}] ${grouping.reason_title}` : "",
  ];
}
