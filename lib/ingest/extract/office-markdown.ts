import type { OfficeContentNode } from "officeparser";
import { cleanLine, cleanProse, escapeStructure } from "./clean.ts";
import { pipeTable } from "./pipe-table.ts";

/** Deeper than any document for people; the parser's own limit is higher than our stack allows. */
const MAX_DEPTH = 64;
const MAX_SLIDE_TITLE = 120;

/** Blocks of a document as Markdown: headings, list items, pipe tables, paragraphs with a blank line between. */
export function renderBlocks(nodes: readonly OfficeContentNode[], depth = 0): string {
  let text = "";
  let before = "";
  for (const node of nodes) {
    const block = renderBlock(node, depth);
    if (block === "") continue;
    const tight = node.type === "list" && before === "list";
    text += (text === "" ? "" : tight ? "\n" : "\n\n") + block;
    before = node.type;
  }
  return text;
}

function renderBlock(node: OfficeContentNode, depth: number): string {
  if (depth > MAX_DEPTH) return "";
  switch (node.type) {
    case "heading":
      return heading(levelOf(node), textOf(node));
    case "list":
      return listItem(node);
    case "table":
      return pipeTable((node.children ?? []).map(rowOf));
    case "paragraph":
    case "text":
      return withNotes(node, paragraph(textOf(node)), depth);
    case "code":
      return fence(textOf(node));
    default:
      return node.children ? renderBlocks(node.children, depth + 1) : paragraph(node.text ?? "");
  }
}

/** A slide: its title as a heading, its body, then what the speaker says. */
export function renderSlide(slide: OfficeContentNode, number: number): string {
  const children = slide.children ?? [];
  const title = children.some((node) => node.type === "heading") ? undefined : children[0];
  const isTitle = title?.type === "paragraph" && textOf(title).length <= MAX_SLIDE_TITLE;
  const body = isTitle
    ? [heading(1, textOf(title)), renderBlocks(children.slice(1))]
    : [renderBlocks(children)];
  // PowerPoint keeps the slide's number as a field on the notes page.
  const notes = renderBlocks(slide.notes ?? []).replace(new RegExp(`(^|\\n\\n)${number}$`), "");
  return [...body, notes].filter((part) => part !== "").join("\n\n");
}

/** A sheet: its name as a heading, its cells as one pipe table. */
export function renderSheet(sheet: OfficeContentNode): string {
  const rows = (sheet.children ?? []).filter((node) => node.type === "row");
  const others = (sheet.children ?? []).filter((node) => node.type !== "row");
  const body = [pipeTable(rows.map(rowOf)), renderBlocks(others)].filter((part) => part !== "");
  if (body.length === 0) return "";
  const name = (sheet.metadata as { sheetName?: string } | undefined)?.sheetName ?? "";
  return [heading(1, name), ...body].filter((part) => part !== "").join("\n\n");
}

function rowOf(row: OfficeContentNode): string[] {
  const cells: string[] = [];
  for (const cell of row.children ?? []) {
    const column = (cell.metadata as { col?: number } | undefined)?.col;
    // A cell far to the right stands next to its neighbour: an array with a hole of 16,000 helps nobody.
    const at = column !== undefined && column < cells.length + 64 ? column : cells.length;
    while (cells.length < at) cells.push("");
    cells[at] = textOf(cell);
  }
  return cells;
}

function textOf(node: OfficeContentNode, depth = 0): string {
  if (node.text !== undefined) return node.text;
  if (depth > MAX_DEPTH) return "";
  const parts = (node.children ?? []).map((child) => textOf(child, depth + 1));
  return parts.filter((part) => part !== "").join(node.type === "cell" ? " " : "");
}

function levelOf(node: OfficeContentNode): number {
  const level = (node.metadata as { level?: number } | undefined)?.level ?? 1;
  return Math.min(6, Math.max(1, level));
}

function heading(level: number, text: string): string {
  const line = cleanLine(text);
  return line === "" ? "" : `${"#".repeat(level)} ${line}`;
}

function listItem(node: OfficeContentNode): string {
  const metadata = node.metadata as
    | { listType?: string; indentation?: number; itemIndex?: number }
    | undefined;
  const line = cleanLine(textOf(node));
  if (line === "") return "";
  const indent = "  ".repeat(Math.min(8, Math.max(0, metadata?.indentation ?? 0)));
  const mark = metadata?.listType === "ordered" ? `${(metadata.itemIndex ?? 0) + 1}.` : "-";
  return `${indent}${mark} ${line}`;
}

function paragraph(text: string): string {
  const lines = cleanProse(text).split("\n");
  return lines
    .map((line) => escapeStructure(line.trimEnd()))
    .join("\n")
    .trim();
}

function fence(text: string): string {
  const code = cleanProse(text).replaceAll("```", "'''");
  return code.trim() === "" ? "" : `\`\`\`\n${code}\n\`\`\``;
}

/** Footnotes hang on the paragraph that cites them and are put after it. */
function withNotes(node: OfficeContentNode, text: string, depth: number): string {
  const notes = [node, ...(node.children ?? [])].flatMap((part) => part.notes ?? []);
  return [text, renderBlocks(notes, depth + 1)].filter((part) => part !== "").join("\n\n");
}
