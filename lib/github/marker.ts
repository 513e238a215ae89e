/** The line of a commit's message that says which effect of ours made it: a trailer, as `git interpret-trailers` knows them. */
const TRAILER = "Countersign-Effect";

/** The message with the marker of an effect as its trailer. */
export function withTrailer(message: string, marker: string): string {
  return `${message}\n\n${trailer(marker)}`;
}

/** The message before the trailer of this marker; null when it has none. GitHub may put other trailers behind it. */
export function withoutTrailer(message: string, marker: string): string | null {
  const at = `${message}\n`.lastIndexOf(`\n\n${trailer(marker)}\n`);
  return at === -1 ? null : message.slice(0, at);
}

/** The trailer alone, for a message whose first line is set by itself. */
export function trailer(marker: string): string {
  return `${TRAILER}: ${marker}`;
}

/** The body of a pull request with the marker of an effect where only programs see it. */
export function withComment(body: string, marker: string): string {
  return `${body}\n\n<!-- countersign-effect: ${marker} -->`;
}

/** The body without the comment of this marker; null when it has none. */
export function withoutComment(body: string, marker: string): string | null {
  const comment = `<!-- countersign-effect: ${marker} -->`;
  // GitHub stores a body with the line ends that it was edited with.
  const text = body.replaceAll("\r\n", "\n");
  if (!text.includes(comment)) return null;
  return text.replace(comment, "").trimEnd();
}
