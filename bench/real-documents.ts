import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { FileRefused } from "../lib/errors.ts";
import { chunkDocument } from "../lib/ingest/chunk/chunk.ts";
import { extractFile } from "../lib/ingest/extract/extract.ts";

const exec = promisify(execFile);

const usage = `node bench/real-documents.ts [package ...]

Fetches Debian documentation packages (default: gnuplot-doc octave-doc) into .local/real-docs with apt-get, which must be
there, and reads every PDF in them: pages, chunks, time, or why it was refused. Run by hand; tests do not need it.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { help: { type: "boolean" } },
});
if (values.help) console.log(usage);
else
  for (const name of positionals.length > 0 ? positionals : ["gnuplot-doc", "octave-doc"])
    await read(name);

async function read(name: string): Promise<void> {
  const dir = join(import.meta.dirname, "../.local/real-docs", name);
  for (const path of await pdfsOf(name, dir)) {
    const start = performance.now();
    try {
      const document = await extractFile({ path, name: basename(path) });
      const extracted = performance.now();
      const identity = { fileId: "real", fileSha256: path, extractionVersion: 1 };
      const chunks = [...chunkDocument(document, identity)];
      const tokens = chunks.reduce((sum, chunk) => sum + chunk.tokenCount, 0);
      const ms = `${Math.round(extracted - start)} ms extract, ${Math.round(performance.now() - extracted)} ms chunk`;
      console.log(
        `${basename(path)}: ${document.pageCount} pages, ${chunks.length} chunks, ${tokens} tokens, ${ms}`,
      );
    } catch (error) {
      if (!(error instanceof FileRefused)) throw error;
      console.log(`${basename(path)}: refused, ${error.code}: ${error.message}`);
    }
  }
}

/** Downloads and unpacks the package unless it is there, and returns its PDFs, unzipped where they come as .pdf.gz. */
async function pdfsOf(name: string, dir: string): Promise<string[]> {
  const files = await filesIn(dir);
  if (files.length === 0) {
    await mkdir(dir, { recursive: true });
    await exec("apt-get", ["download", name], { cwd: dir });
    const archive = (await readdir(dir)).find((file) => file.endsWith(".deb"));
    if (archive === undefined) throw new Error(`apt-get downloaded no archive of ${name}.`);
    await exec("dpkg-deb", ["-x", join(dir, archive), join(dir, "files")]);
    for (const file of await filesIn(dir)) {
      if (!file.endsWith(".pdf.gz")) continue;
      await writeFile(file.slice(0, -3), gunzipSync(await readFile(file)));
    }
  }
  return (await filesIn(dir)).filter((file) => file.endsWith(".pdf")).sort();
}

async function filesIn(dir: string): Promise<string[]> {
  await mkdir(dir, { recursive: true });
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
