import { createHash } from "node:crypto";
import { closeDb } from "#db/client.ts";
import { exportProject } from "#lib/export/export.ts";

/** Exports one project in a process of its own. Prints where it ran and what came out. */
const hash = createHash("sha256");
for await (const bytes of await exportProject(process.argv[2] ?? "")) hash.update(bytes);
await closeDb();
const { locale, timeZone } = Intl.DateTimeFormat().resolvedOptions();
const hour = new Date(0).getHours();
console.log(JSON.stringify({ sha256: hash.digest("hex"), locale, timeZone, hour }));
