import type { BenchResult } from "./result.ts";

/** A plain table for people: one line for each result, columns aligned. */
export function table(results: readonly BenchResult[]): string {
  const rows = [
    ["what", "value", "peer", "ratio", "bar", "ok"],
    ...results.map(({ what, value, unit, peer, ratio, bar, ok }) => [
      what,
      `${value} ${unit}`,
      peer === null ? "" : `${peer} ${unit}`,
      ratio === null ? "" : `${ratio} x`,
      bar ?? "",
      ok ? "yes" : "NO",
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
