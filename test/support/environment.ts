import { setImmediate as nextTurn } from "node:timers/promises";

/** Sets variables of the environment, or with undefined unsets them: seen from the next turn of the event loop on (lib/env.ts). */
export async function setEnv(values: Readonly<Record<string, string | undefined>>): Promise<void> {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  await nextTurn();
}
