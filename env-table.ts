import { readFile, writeFile } from "node:fs/promises";
import { longTables, shortTable, withTable } from "./lib/doctor/environment-tables.ts";
import { variables } from "./lib/env.ts";

/** Writes the tables of the environment into the documents, from what lib/env.ts says of each variable. */
const DOCUMENTS = { "README.md": shortTable, "docs/environment.md": longTables };

for (const [name, tables] of Object.entries(DOCUMENTS)) {
  const path = new URL(name, import.meta.url);
  const document = await readFile(path, "utf8");
  await writeFile(path, withTable(document, tables(variables())));
  console.log(`${name} has the table.`);
}
