/** Between breadcrumbs and content in what is embedded. */
export const SEPARATOR = "\n\n";

/** What is embedded and searched for a chunk: its breadcrumbs, a blank line, its content. */
export function embeddedText(chunk: { breadcrumbs: string; content: string }): string {
  return chunk.breadcrumbs === ""
    ? chunk.content
    : `${chunk.breadcrumbs}${SEPARATOR}${chunk.content}`;
}
