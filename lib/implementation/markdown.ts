/** Text of the outside on a line of Markdown: no line break and nothing that would be rendered or mention anybody. */
export function inline(text: string): string {
  return text
    .replace(/\s+/g, " ")
    .trim()
    .replace(/[\\`*_{}[\]<>#|!~]/g, "\\$&")
    .replaceAll("@", "@\u200b");
}

/** A block of code that its content cannot end. */
export function fenced(text: string, language = ""): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text.replace(/\n$/, "")}\n${fence}`;
}

/** Paragraphs with a blank line between them, without the empty ones. */
export function paragraphs(...parts: readonly string[]): string {
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

/** A list; empty without items. */
export function list(items: readonly string[]): string {
  return items.map((item) => `- ${item}`).join("\n");
}
