import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";

/** A secret that is made once and kept in the file at `path`, readable by its owner alone. */
export async function keptSecret(
  path: string,
  make: () => string = () => randomBytes(32).toString("hex"),
): Promise<string> {
  try {
    await writeFile(path, make(), { mode: 0o600, flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  return await readFile(path, "utf8");
}
