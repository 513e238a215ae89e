interface LogLine {
  level: string;
  message: string;
  function?: string;
  step?: string;
  ms?: number;
  error?: string;
  output?: Record<string, unknown>;
}

/**
 * One line for a person from a line that the app printed: its JSON log lines are told in words, everything else is left
 * as it is. `names` turns ids into what the person knows, such as a file's name.
 */
export function readable(line: string, names: ReadonlyMap<string, string> = new Map()): string {
  const entry = parse(line);
  if (!entry) return line;
  const facts = Object.entries(entry.output ?? {})
    .filter(([key]) => key !== "projectId")
    .map(([key, value]) => (names.get(String(value)) ?? `${key} ${value}`).slice(0, 100));
  const what = [entry.function?.replace(/^countersign-/, ""), entry.step]
    .filter(Boolean)
    .join(" / ");
  const time = entry.ms === undefined ? "" : `${entry.ms} ms`;
  const text = what ? `${what.padEnd(28)} ${time.padStart(8)}` : entry.message;
  const error = entry.error ? `${entry.message}: ${entry.error}` : "";
  return [text, facts.join(", "), error].filter(Boolean).join("  ");
}

function parse(line: string): LogLine | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const entry = JSON.parse(line);
    return typeof entry.message === "string" ? entry : undefined;
  } catch {
    // Not a log line of ours: shown as it is.
    return undefined;
  }
}
