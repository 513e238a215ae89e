import { redactJson } from "./redact.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Writes one JSON object per line to stderr, the form that Vercel and every log collector reads. */
function write(level: "info" | "warn" | "error", message: string, fields: Fields): void {
  const line = redactJson({ time: new Date().toISOString(), level, message, ...fields });
  process.stderr.write(`${JSON.stringify(line)}\n`);
}

/** Structured log. Fields hold ids, sizes and times: never contents of documents. What looks like a secret is redacted. */
export const log = {
  info: (message: string, fields: Fields = {}) => write("info", message, fields),
  warn: (message: string, fields: Fields = {}) => write("warn", message, fields),
  error: (message: string, fields: Fields = {}) => write("error", message, fields),
};
