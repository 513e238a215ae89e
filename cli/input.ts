import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { EXIT, Failure } from "./exit.ts";

/** The text of a file, or of stdin for `-`. Throws Failure when it cannot be read, with what else it could have been. */
export async function readInput(file: string, otherwise = ""): Promise<string> {
  if (file === "-") return await text(process.stdin);
  try {
    return await readFile(file, "utf8");
  } catch {
    throw new Failure(EXIT.usage, `${file} cannot be read${otherwise}.`);
  }
}
