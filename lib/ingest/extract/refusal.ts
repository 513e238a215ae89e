import { errorMessage, FileRefused } from "../../errors.ts";
import type { ExtractJob, Refused } from "./job.ts";

/** What a parser's error says about its file: that it is damaged, unless the parser itself says something better. */
export function refusal(error: unknown, { name }: ExtractJob): Refused {
  if (error instanceof FileRefused) {
    const { code, message, context } = error;
    return { kind: "refused", code, message, context };
  }
  const message = "The file is damaged and cannot be read. Save it again and upload that.";
  const context = { name, cause: errorMessage(error) };
  return { kind: "refused", code: "corrupt", message, context };
}

/** The error that a refusal was made of, on the other side of a thread or process. */
export function refused({ code, message, context }: Refused): FileRefused {
  return new FileRefused(code, message, context);
}
