/**
 * Text of others on one line of ours: nothing in it makes a heading, a list, a link, a citation's number or HTML. Only the
 * writing changes; who reads the Markdown sees the same text.
 */
export function inline(text: string): string {
  return (
    text
      // Control characters too: a model may write them, PostgreSQL refuses NUL, and nobody sees any of them.
      .replace(/[\s\p{Cc}]+/gu, " ")
      .trim()
      .replace(/[\\`*_[\]<>|]/g, "\\$&")
      .replace(/^([#+\-=~]|[0-9]+(?=[.)]))/, (mark) =>
        /[0-9]/.test(mark) ? `${mark}\\` : `\\${mark}`,
      )
  );
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
