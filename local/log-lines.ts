interface LogLine {
  message: string;
  function?: string;
  step?: string;
  ms?: number;
  error?: string;
  subject?: Record<string, unknown>;
  output?: Record<string, unknown>;
}

/** What a person is not told: ids and hashes, which the JSON line keeps. */
const SILENT =
  /Id$|^(name|sha256|ingestedAt|more|tree|patchset|cloneUrl|logicalKey|kind|failure|remediation)$/;
/** Of one fact; what is longer is in the JSON line. */
const FACT_CHARS = 80;

/**
 * One line for a person from a line that the app printed: its JSON log lines are told in words, everything else is left
 * as it is. `names` turns a file's id into its name.
 */
export function readable(line: string, names: ReadonlyMap<string, string> = new Map()): string {
  const entry = parse(line);
  if (!entry) return line;
  if (!entry.step) return [entry.message, entry.error].filter(Boolean).join(": ");
  const { name, fileId = "", projectId = "" } = entry.subject ?? {};
  const about = String(name ?? names.get(String(fileId)) ?? (fileId || projectId));
  const facts = Object.entries(entry.output ?? {})
    .filter(([key]) => !SILENT.test(key))
    .map(([key, value]) => `${key} ${String(value).split("\n")[0]?.slice(0, FACT_CHARS)}`);
  if (entry.error) facts.push(`${entry.message}: ${entry.error}`);
  const ms = entry.ms === undefined ? "" : `${entry.ms} ms`;
  return `${about.padEnd(28)} ${entry.step.padEnd(10)} ${ms.padStart(8)}  ${facts.join(", ")}`.trimEnd();
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
