import { characterBoundary } from "./chunk/text.ts";

/** Enough of a line to see what it is, however long it goes on. */
export const HEAD_LENGTH = 512;

const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+|$)/;
const FENCE = /^[ \t]*(?:(`{3,})[^`]*$|(~{3,}))/;

/** The heading that a line is, if it is one. */
export function headingOf(line: string): { level: number; title: string } | null {
  const hashes = HEADING.exec(line);
  if (hashes === null) return null;
  const title = line.slice(hashes[0].length).replace(/(?<![ \t])[ \t]+#+$/, "");
  return { level: (hashes[1] ?? "").length, title };
}

/** The marks that a line opens a fenced block with; null when it opens none. */
export function fenceOf(line: string): string | null {
  const opening = FENCE.exec(line);
  return opening && (opening[1] ?? opening[2] ?? null);
}

/** Where a fenced block ends whose lines begin at `from`: behind a line of at least as many of the same marks, else at `to`. */
export function fenceEnd(text: string, marks: string, from: number, to: number): number {
  const closing = new RegExp(`^[ \\t]*${marks.charAt(0)}{${marks.length},}[ \\t]*$`);
  for (let at = from; at < to; ) {
    const next = lineEnd(text, at, to);
    const line = next - at <= HEAD_LENGTH ? text.slice(at, next).trimEnd() : "";
    if (closing.test(line)) return next;
    at = next;
  }
  return to;
}

/** The title of the first heading that has one; empty without. What stands in a fenced block is no heading. */
export function firstHeading(text: string): string {
  for (let at = 0; at < text.length; ) {
    const next = lineEnd(text, at, text.length);
    const cut = next - at > HEAD_LENGTH;
    const end = cut ? characterBoundary(text, at, at + HEAD_LENGTH) : next;
    const line = text.slice(at, end).trimEnd();
    const title = headingOf(line)?.title;
    if (title) return title;
    const marks = fenceOf(line);
    at = marks === null ? next : fenceEnd(text, marks, next, text.length);
  }
  return "";
}

function lineEnd(text: string, at: number, to: number): number {
  const newline = text.indexOf("\n", at);
  return newline === -1 ? to : Math.min(newline + 1, to);
}
