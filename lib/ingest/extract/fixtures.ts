/** Files that must be refused, made when a test needs them. */
import { createHash } from "node:crypto";
import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RefusalCode } from "../../errors.ts";
import { pdf, png } from "./fixtures-pdf.ts";
import { docxParts, zip } from "./fixtures-zip.ts";

/** A file on disk and what extraction must say about it under the default limits. */
export interface HostileFile {
  readonly name: string;
  readonly path: string;
  readonly code: RefusalCode;
}

const MB = 1024 * 1024;

/** Writes one file for every reason to refuse one into `dir`, which must exist. Takes about a second. */
export async function hostileFiles(dir: string): Promise<HostileFile[]> {
  const text = await pdf((document) => document.text("A page that was whole. ".repeat(200)));
  const scan = await pdf((document) => {
    document.image(png(800), 0, 0, { width: 600 });
    document.addPage().image(png(800), 0, 0, { width: 600 });
  });
  const encrypted = await pdf((document) => document.text("secret"), { userPassword: "sesame" });
  const office = zip(docxParts("<w:p><w:r><w:t>Whole.</w:t></w:r></w:p>"));
  const contents: readonly (readonly [name: string, code: RefusalCode, content: Buffer])[] = [
    ["zip-bomb.docx", "expands_too_much", zipBomb()],
    ["lying-zip-bomb.docx", "expands_too_much", lyingZipBomb()],
    ["encrypted.pdf", "encrypted", encrypted],
    ["encrypted.docx", "encrypted", compoundFile("EncryptedPackage")],
    ["old.doc", "unsupported", compoundFile("WordDocument")],
    ["truncated.pdf", "corrupt", text.subarray(0, Math.floor(text.length * 0.7))],
    ["truncated.docx", "corrupt", office.subarray(0, office.length - 60)],
    ["scan.pdf", "needs_ocr", scan],
    ["blank.pdf", "empty", await pdf(() => {})],
    ["random.pdf", "corrupt", randomBytes(100_000)],
    ["random.bin", "unsupported", randomBytes(50_000)],
    ["archive.docx", "unsupported", zip([{ name: "notes.txt", content: Buffer.from("notes") }])],
    ["photo.png", "unsupported", png(16)],
    ["empty.txt", "empty", Buffer.alloc(0)],
    ["blank.txt", "empty", Buffer.from(" \r\n\t\n")],
  ];
  const files: HostileFile[] = [];
  for (const [name, code, content] of contents) {
    const path = join(dir, name);
    await writeFile(path, content);
    files.push({ name, path, code });
  }
  const path = join(dir, "huge.pdf");
  await using huge = await open(path, "w");
  await huge.truncate(200 * MB);
  return [...files, { name: "huge.pdf", path, code: "too_large" }];
}

/** 1 GB in 64 entries that all say how large they are. */
function zipBomb(): Buffer {
  const media = { name: "word/media/image", content: Buffer.alloc(MB), copies: 1024 };
  return zip([...docxParts("<w:p/>"), media]);
}

/** 400 MB of text that claims to be 1 KB. */
function lyingZipBomb(): Buffer {
  const parts = docxParts("");
  const bomb = { name: "word/document.xml", content: Buffer.alloc(MB, "a"), repeats: 400 };
  return zip([...parts.slice(0, 1), { ...bomb, claimedBytes: 1024 }]);
}

/** The header and directory of an OLE compound file with one stream of this name ([MS-CFB] 2.2 and 2.6). */
function compoundFile(stream: string): Buffer {
  const file = Buffer.alloc(2048);
  file.write("d0cf11e0a1b11ae1", "hex");
  file.write(stream, 1024, "utf16le");
  return file;
}

/** The same bytes every time, without any pattern. */
function randomBytes(length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, index) =>
    createHash("sha256").update(String(index)).digest(),
  );
  return Buffer.concat(blocks).subarray(0, length);
}
