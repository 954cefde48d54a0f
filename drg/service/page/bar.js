// A bar of the cost classes: where the low and high bounds lie, and where the cost lies. Everything
// it shows stands in words under it as well.

import { svg } from "./dom.js";
import { yuan } from "./figures.js";
import { t } from "./words.js";

const WIDTH = 640;
const LEFT = 16;
const ROOM = WIDTH - 2 * LEFT;
const TOP = 34;
const HIGH = 26;
const LETTER = 6.6;
let drawn = 0;

const wide = (text) =>
  [...text].reduce((sum, sign) => sum + (sign.charCodeAt(0) > 0x2e7f ? 2 : 1), 0) * LETTER;

/** Words centred at a place, kept inside the drawing. */
function words(text, at, y, attributes = {}) {
  const half = wide(text) / 2;
  const x = Math.min(Math.max(at, half + 2), WIDTH - half - 2);
  return svg("text", { x, y, "text-anchor": "middle", ...attributes }, text);
}

/** The drawing for bounds and a cost in fen; null without them. */
export function costBar(bounds, cost, reference) {
  if (!bounds.length || cost === null) return null;
  drawn += 1;
  const ordered = [...bounds].sort((a, b) => a.amount_fen - b.amount_fen);
  const low = ordered.filter((bound) => bound.kind === "low").at(-1);
  const high =
    ordered.find((bound) => bound.kind === "high") ||
    ordered.find((bound) => bound.kind === "extreme");
  // An extreme bound far away would squeeze all else into a corner.
  const shown = ordered.filter(
    (bound) => bound.kind !== "extreme" || bound === high || cost * 3 > bound.amount_fen,
  );
  const whole = Math.max(cost, reference || 0, ...shown.map((bound) => bound.amount_fen), 1) * 1.15;
  const at = (fen) => LEFT + (Math.max(fen, 0) / whole) * ROOM;
  const mark = at(cost);
  const zone = (from, to, name, fill) => {
    if (to - from < 1) return [];
    // The name stands in the longer part beside the mark of the cost.
    const inside = mark > from && mark < to;
    const [left, right] = !inside
      ? [from, to]
      : mark - from > to - mark
        ? [from, mark]
        : [mark, to];
    return [
      svg("rect", {
        x: from,
        y: TOP,
        width: to - from,
        height: HIGH,
        fill,
        stroke: "#51606e",
        "stroke-width": ".5",
      }),
      right - left > wide(name) + 10
        ? svg(
            "text",
            { x: (left + right) / 2, y: TOP + 17, "text-anchor": "middle", class: "zone" },
            name,
          )
        : null,
    ];
  };
  const start = at(0);
  const first = low ? at(low.amount_fen) : start;
  const last = high ? at(high.amount_fen) : LEFT + ROOM;
  const hatch = `hatch-${drawn}`;
  const label = t("bar_label", {
    cost: yuan(cost),
    bounds: ordered.map((bound) => `${bound.title} ${yuan(bound.amount_fen)}`).join(t("comma")),
  });
  let lastRight = -Infinity;
  let line = 0;
  let most = 0;
  const ticks = shown.flatMap((bound) => {
    const text = `${bound.title} ${yuan(bound.amount_fen)}`;
    const x = at(bound.amount_fen);
    const middle = Math.min(Math.max(x, wide(text) / 2 + 2), WIDTH - wide(text) / 2 - 2);
    line = middle - wide(text) / 2 < lastRight + 8 ? (line + 1) % 3 : 0;
    most = Math.max(most, line);
    lastRight = middle + wide(text) / 2;
    const y = TOP + HIGH + 16 + line * 15;
    return [
      svg("line", {
        x1: x,
        x2: x,
        y1: TOP - 3,
        y2: y - 11,
        stroke: "#1c2733",
        "stroke-width": "1.2",
      }),
      words(text, x, y),
    ];
  });
  return svg(
    "svg",
    {
      viewBox: `0 0 ${WIDTH} ${TOP + HIGH + 22 + most * 15}`,
      role: "img",
      "aria-label": label,
      class: "cost-bar",
    },
    svg(
      "defs",
      {},
      svg(
        "pattern",
        {
          id: hatch,
          width: "6",
          height: "6",
          patternUnits: "userSpaceOnUse",
          patternTransform: "rotate(45)",
        },
        svg("rect", { width: "6", height: "6", fill: "#f6e3cf" }),
        svg("line", {
          x1: "0",
          y1: "0",
          x2: "0",
          y2: "6",
          stroke: "#c98a4b",
          "stroke-width": "1.4",
        }),
      ),
    ),
    low ? zone(start, first, t("zone_low"), `url(#${hatch})`) : null,
    zone(first, last, t("zone_normal"), "#dcebdf"),
    high ? zone(last, LEFT + ROOM, t("zone_high"), `url(#${hatch})`) : null,
    reference
      ? svg("line", {
          x1: at(reference),
          x2: at(reference),
          y1: TOP,
          y2: TOP + HIGH,
          stroke: "#2f6f9f",
          "stroke-width": "1.5",
          "stroke-dasharray": "4 3",
        })
      : null,
    ticks,
    svg("path", { d: `M${mark} ${TOP} l-6 -9 h12 z`, fill: "#8f1d14" }),
    svg("line", {
      x1: mark,
      x2: mark,
      y1: TOP,
      y2: TOP + HIGH,
      stroke: "#8f1d14",
      "stroke-width": "2",
    }),
    words(t("bar_cost", { amount: yuan(cost) }), mark, TOP - 14, { class: "cost-mark" }),
  );
}
