import type { Goal, Row, Spread } from "./row.ts";

const HEADINGS = ["", "figure", "bound", "ratio", "goal", "", "the bound"];

/** The rows as lines for a person. */
export function formatTable(rows: readonly Row[]): string {
  const lines = [HEADINGS, ...rows.map(cellsOf)];
  const widths = HEADINGS.map((_, column) =>
    Math.max(...lines.map((cells) => cells[column]?.length ?? 0)),
  );
  const table = lines.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const notes = rows.flatMap(({ name, note }) => (note === null ? [] : [`  ${name}: ${note}`]));
  return [...table, ...(notes.length > 0 ? ["", ...notes] : [])].join("\n");
}

function cellsOf(row: Row): readonly string[] {
  const { name, figure, bound, unit, ratio, goal, isMet, boundIs } = row;
  return [
    name,
    formatSpread(figure, unit),
    formatSpread(bound, unit),
    `${formatNumber(ratio)}x`,
    formatGoal(goal, unit),
    isMet === null ? "" : isMet ? "met" : "NOT MET",
    boundIs,
  ];
}

function formatGoal(goal: Goal, unit: Row["unit"]): string {
  if (goal.of === "nothing") return "";
  if ("atLeast" in goal) return `>= ${goal.atLeast}x`;
  return goal.of === "ratio" ? `<= ${goal.atMost}x` : `<= ${goal.atMost} ${unit}`;
}

function formatSpread({ median, least, most }: Spread, unit: Row["unit"]): string {
  const space = unit === "/s" || unit === "x" ? "" : " ";
  return `${formatNumber(median)}${space}${unit} (${formatNumber(least)}-${formatNumber(most)})`;
}

/** Three digits, which is more than these figures are worth. */
export function formatNumber(value: number): string {
  if (value >= 100_000) return `${Math.round(value / 1000)}k`;
  if (value >= 10_000) return `${(value / 1000).toFixed(1)}k`;
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : 2);
}
