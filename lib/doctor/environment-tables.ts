import type { Variable } from "../env.ts";
import { InvalidInput } from "../errors.ts";

const BEGIN = "<!-- env:table -->";
const END = "<!-- env:table end -->";

/** One table in Markdown with a row for each variable: for what it is, and when it has to be set. */
export function shortTable(variables: readonly Variable[]): string {
  return table(
    ["variable", "needed", "for what"],
    variables.map(({ name, needed, what }) => [`\`${name}\``, needed ?? "", what]),
  );
}

/** A table in Markdown for each group of variables, in the order in which the groups begin. */
export function longTables(variables: readonly Variable[]): string {
  const groups = Map.groupBy(variables, ({ group }) => group);
  const sections = [...groups].map(([group, members]) => {
    const rows = members.map(({ name, needed, unset, secret, what }) => [
      `\`${name}\``,
      what,
      needed ?? "",
      unset ?? "",
      secret ? "secret" : "",
    ]);
    const headings = ["variable", "for what", "needed", "when it is not set", ""];
    return `## ${group}\n\n${table(headings, rows)}`;
  });
  return sections.join("\n\n");
}

/** The document with `content` between its two markers. Throws InvalidInput when it does not have each of them once, in order. */
export function withTable(document: string, content: string): string {
  const [before, inner, ...more] = document.split(BEGIN);
  const [, after, ...rest] = inner?.split(END) ?? [];
  if (before === undefined || after === undefined || more.length + rest.length > 0) {
    throw new InvalidInput(
      "markers",
      `The document must have ${BEGIN} and then ${END}, once each.`,
    );
  }
  return `${before}${BEGIN}\n${content}\n${END}${after}`;
}

function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;
  return [line(headings), `|${" --- |".repeat(headings.length)}`, ...rows.map(line)].join("\n");
}

/** A bar would begin another cell, a line feed another row. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|").replace(/\s+/g, " ");
}
