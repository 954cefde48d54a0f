// Amounts, ratios and signs as text. Fen are whole numbers; nothing here rounds.

/** Whole fen as yuan with two places and thousands apart; a true minus sign. */
export function yuan(fen) {
  if (fen === null || fen === undefined) return "—";
  const digits = String(Math.abs(fen)).padStart(3, "0");
  const whole = digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ",");
  return `${fen < 0 ? "−" : ""}${whole}.${digits.slice(-2)}`;
}

/** The same with its sign always shown. */
export function signed(fen) {
  if (fen === null || fen === undefined) return "—";
  return fen > 0 ? `+${yuan(fen)}` : yuan(fen);
}

/** Decimal text with its sign always shown. */
export function signedText(text) {
  if (text === null || text === undefined || text === "") return "—";
  if (text.startsWith("-")) return `−${text.slice(1)}`;
  return /[1-9]/.test(text) ? `+${text}` : text;
}

/** A ratio in decimal text as percent: "0.2851" is "28.51%". */
export function percent(ratio) {
  if (ratio === null || ratio === undefined) return "—";
  const [whole, places = ""] = ratio.replace("-", "").split(".");
  const digits = whole + places.padEnd(2, "0");
  const point = digits.length - Math.max(places.length - 2, 0);
  const left = digits.slice(0, point).replace(/^0+(?=\d)/, "") || "0";
  const right = digits.slice(point);
  return `${ratio.startsWith("-") ? "−" : ""}${left}${right ? `.${right}` : ""}%`;
}

/** A count with thousands apart. */
export const count = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");

/** Text, or a dash where there is none. */
export const dash = (text) => (text === null || text === undefined || text === "" ? "—" : text);
