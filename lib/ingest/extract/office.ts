import { type OfficeContentNode, type OfficeError, parseOffice } from "officeparser";
import { FileRefused, type RefusalCode } from "../../errors.ts";
import type { ExtractedDocument, ExtractedPage } from "../document.ts";
import { firstHeading } from "../markdown.ts";
import { cleanLine } from "./clean.ts";
import type { ExtractJob } from "./job.ts";
import { expansionCap } from "./limits.ts";
import { renderBlocks, renderSheet, renderSlide } from "./office-markdown.ts";

type OfficeFormat = "docx" | "pptx" | "xlsx";

/** Real documents stay well below; past it the parser's tree would not fit the worker's heap. */
const MAX_XML_ELEMENTS = 1_000_000;

/** How officeparser's error and warning codes are told to people. What is not listed is a damaged file. */
const REFUSALS: Readonly<Record<string, readonly [RefusalCode, string]>> = {
  PASSWORD_REQUIRED: ["encrypted", "The file is protected by a password. Remove it"],
  ZIP_SIZE_LIMIT_EXCEEDED: ["expands_too_much", "The file unpacks to far more than it should"],
  ZIP_ENTRY_COUNT_LIMIT_EXCEEDED: ["expands_too_much", "The file holds far too many parts"],
  XML_ELEMENT_LIMIT_EXCEEDED: [
    "expands_too_much",
    "The file holds far too many elements. Split it",
  ],
  REPEATED_CONTENT_LIMIT_EXCEEDED: ["expands_too_much", "The file repeats its content too often"],
  TABLE_CELL_LIMIT_EXCEEDED: ["too_large", "The file holds more than a million cells. Split it"],
  MAX_NESTING_DEPTH_EXCEEDED: ["corrupt", "The file is nested too deeply"],
  REQUIRED_PART_MISSING: ["corrupt", "A part that every document of this kind has is missing"],
};

/** Warnings after which text would be missing: silence about it is worse than a refusal. */
const FATAL_WARNINGS: readonly string[] = [
  "TABLE_CELL_LIMIT_EXCEEDED",
  "REPEATED_CONTENT_LIMIT_EXCEEDED",
];

/**
 * Reads a Word, PowerPoint or Excel document: headings, lists and pipe tables as Markdown. Slides and sheets are pages;
 * a Word document has none, since its pages exist only when it is laid out. Throws FileRefused.
 */
export async function extractOffice(
  bytes: Uint8Array,
  format: OfficeFormat,
  job: ExtractJob,
): Promise<ExtractedDocument> {
  const ast = await parse(bytes, format, job);
  const fatal = ast.warnings.find((warning) => FATAL_WARNINGS.includes(warning.code));
  if (fatal) throw refusal(fatal.code, job);
  const pages = format === "docx" ? wholeDocument(ast.content) : separatePages(ast.content, format);
  const title = cleanLine(ast.metadata.title ?? "") || firstHeading(pages[0]?.text ?? "");
  const pageCount = format === "docx" ? null : ast.content.filter(isPage).length;
  return { format, ...(title && { title }), pageCount, pages };
}

async function parse(bytes: Uint8Array, format: OfficeFormat, job: ExtractJob) {
  try {
    return await parseOffice(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), {
      fileType: format,
      ignoreHeadersAndFooters: true,
      ignoreSlideMasters: true,
      decompressionLimits: {
        maxUncompressedBytes: expansionCap(job.size, job.limits),
        maxXmlElements: MAX_XML_ELEMENTS,
      },
    });
  } catch (error) {
    throw refusal((error as OfficeError).officeIssue?.code ?? "", job, error);
  }
}

function refusal(issue: string, job: ExtractJob, cause?: unknown): FileRefused {
  const [code, what] = REFUSALS[issue] ?? ["corrupt", "The file is damaged. Save it again"];
  return new FileRefused(code, `${what} and upload that.`, { name: job.name, issue }, cause);
}

function wholeDocument(content: readonly OfficeContentNode[]): ExtractedPage[] {
  const text = renderBlocks(content);
  return text ? [{ number: 1, text }] : [];
}

function separatePages(
  content: readonly OfficeContentNode[],
  format: OfficeFormat,
): ExtractedPage[] {
  return content
    .filter(isPage)
    .map((node, index) => ({
      number: index + 1,
      text: format === "pptx" ? renderSlide(node, index + 1) : renderSheet(node),
    }))
    .filter((page) => page.text !== "");
}

function isPage(node: OfficeContentNode): boolean {
  return node.type === "slide" || node.type === "sheet";
}
