import type { FileHandle } from "node:fs/promises";
import { FileRefused } from "../../errors.ts";
import type { Format } from "../document.ts";
import { utf16Of } from "./decode.ts";
import { extensionOf, languageOf } from "./languages.ts";
import { type ExtractLimits, expansionCap } from "./limits.ts";
import { readAt, readZipDirectory, type ZipEntry } from "./zip-directory.ts";

/** What a file is, by its content first and its name second. */
export interface Detected {
  readonly format: Format;
  /** For `code` alone. */
  readonly language?: string;
}

/** What is known about a file before anything of it is parsed. */
export interface Candidate {
  readonly file: FileHandle;
  readonly size: number;
  readonly name: string;
  readonly mimeType?: string;
}

const HEAD_BYTES = 64 * 1024;
/** PDF readers accept the header anywhere in the first kilobyte (ISO 32000-1, annex H.3.4.1). */
const PDF_HEADER_WINDOW = 1024;

/** Formats that we name in a refusal, so that a person knows what they sent. */
const FOREIGN: ReadonlyArray<readonly [hex: string, what: string]> = [
  ["89504e470d0a1a0a", "a PNG image"],
  ["ffd8ff", "a JPEG image"],
  ["47494638", "a GIF image"],
  ["49492a00", "a TIFF image"],
  ["4d4d002a", "a TIFF image"],
  ["1f8b", "a gzip archive"],
  ["526172211a07", "a RAR archive"],
  ["377abcaf271c", "a 7-Zip archive"],
  ["7b5c727466", "an RTF document"],
  ["25215053", "a PostScript document"],
  ["7f454c46", "a program"],
  ["4d5a9000", "a program"],
];

/**
 * Finds out what a file is from at most its first 64 KB and, for a zip, its directory.
 * Throws FileRefused for what can be told from that alone: `unsupported`, `encrypted`, `corrupt`, `expands_too_much`.
 */
export async function detectFormat(candidate: Candidate, limits: ExtractLimits): Promise<Detected> {
  const head = await readAt(candidate.file, 0, Math.min(HEAD_BYTES, candidate.size));
  if (head.subarray(0, PDF_HEADER_WINDOW).includes("%PDF-")) return { format: "pdf" };
  if (startsWith(head, "504b0304")) return detectInZip(candidate, limits);
  if (startsWith(head, "d0cf11e0a1b11ae1")) return refuseCompound(candidate, head);
  const foreign = FOREIGN.find(([hex]) => startsWith(head, hex));
  if (foreign) throw unsupported(`This is ${foreign[1]}`, candidate);
  return detectText(candidate, head);
}

function startsWith(head: Buffer, hex: string): boolean {
  return head.subarray(0, hex.length / 2).toString("hex") === hex;
}

async function detectInZip(candidate: Candidate, limits: ExtractLimits): Promise<Detected> {
  const entries = await readZipDirectory(candidate.file, candidate.size);
  if (entries === null) {
    const message = "The file is cut off or damaged: its zip directory cannot be read.";
    throw new FileRefused("corrupt", `${message} Upload it again from the original.`, {
      name: candidate.name,
    });
  }
  refuseExpansion(entries, candidate, limits);
  if (entries.some((entry) => entry.encrypted)) throw encrypted(candidate);
  const has = (prefix: string) => entries.some((entry) => entry.name.startsWith(prefix));
  if (has("[Content_Types].xml")) {
    if (has("word/document")) return { format: "docx" };
    if (has("ppt/presentation")) return { format: "pptx" };
    if (has("xl/workbook.xml")) return { format: "xlsx" };
  }
  throw unsupported(
    "This is a zip archive and not a Word, PowerPoint or Excel document",
    candidate,
  );
}

function refuseExpansion(
  entries: readonly ZipEntry[],
  candidate: Candidate,
  limits: ExtractLimits,
): void {
  const expandedBytes = entries.reduce((sum, entry) => sum + entry.expandedBytes, 0);
  if (expandedBytes <= expansionCap(candidate.size, limits)) return;
  const message = `The file unpacks from ${candidate.size} to ${expandedBytes} bytes, which no real document does.`;
  throw new FileRefused("expands_too_much", `${message} Save it again or split it.`, {
    name: candidate.name,
    size: candidate.size,
    expandedBytes,
  });
}

/** OLE compound files are either an encrypted Office document or one from before 2007; neither can be read. */
function refuseCompound(candidate: Candidate, head: Buffer): never {
  const isModern = ["docx", "pptx", "xlsx"].includes(extensionOf(candidate.name));
  if (isModern || head.includes(Buffer.from("EncryptedPackage", "utf16le"))) {
    throw encrypted(candidate);
  }
  throw unsupported("This is an Office document of the old kind (.doc, .xls, .ppt)", candidate);
}

function detectText(candidate: Candidate, head: Buffer): Detected {
  const extension = extensionOf(candidate.name);
  if (["pdf", "docx", "pptx", "xlsx"].includes(extension)) {
    const message = `The file is named .${extension} but its content is something else.`;
    throw new FileRefused("corrupt", `${message} Upload the original again.`, {
      name: candidate.name,
    });
  }
  if (isBinary(head)) throw unsupported("This is a binary file of an unknown kind", candidate);
  const isHtmlMime = candidate.mimeType?.startsWith("text/html");
  if (["html", "htm", "xhtml"].includes(extension)) return { format: "html" };
  if (["md", "markdown", "mdx"].includes(extension)) return { format: "markdown" };
  const language = languageOf(candidate.name);
  if (language) return { format: "code", language };
  if (isHtmlMime || looksLikeHtml(head)) return { format: "html" };
  if (candidate.mimeType?.startsWith("text/markdown")) return { format: "markdown" };
  return { format: "text" };
}

/** A comment is read up to its first end and no further: with two ways to read each, many would be read in all ways. */
const HTML =
  /^(?:\u00ef\u00bb\u00bf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*<(?:!doctype\s+html|html)\b/is;

function looksLikeHtml(head: Buffer): boolean {
  return HTML.test(head.toString("latin1", 0, 2048));
}

/** UTF-16 is full of NULs, so they alone do not make a file binary. */
function isBinary(head: Buffer): boolean {
  if (utf16Of(head)) return false;
  const controls = head.reduce(
    (count, byte) => count + (byte < 9 || (byte > 13 && byte < 32 && byte !== 27) ? 1 : 0),
    0,
  );
  return controls > head.length / 100;
}

function unsupported(what: string, candidate: Candidate): FileRefused {
  const accepted = "PDF, DOCX, PPTX, XLSX, HTML, Markdown, plain text or source code";
  return new FileRefused("unsupported", `${what}. Save it as ${accepted} and upload that.`, {
    name: candidate.name,
  });
}

function encrypted(candidate: Candidate): FileRefused {
  const message = "The file is protected by a password. Remove the password and upload it again.";
  return new FileRefused("encrypted", message, { name: candidate.name });
}
