import { placeholder, replaceSpans, type Span, type Write } from "./replace.ts";

const MARKER = /-----(BEGIN|END) [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
/** Lines of base64 between real line ends or, in JSON that is quoted as text, written ones. */
const BREAKS = /(?:\s|(?<!\\)\\+[nr])+/;
const CUT_BODY = /(?:(?:\s|\\+[nr])*[A-Za-z0-9+/]{16,}={0,2})*/y;
/** More than the largest private key in use. */
const LONGEST_BODY = 64 * 1024;

/** Redacts PEM and PGP private keys, also blocks whose beginning or end was cut off. */
export function redactPem(text: string, write: Write = placeholder): string {
  if (!text.includes("PRIVATE KEY")) return text;
  const markers = [...text.matchAll(MARKER)].map((match) => ({
    opens: match[1] === "BEGIN",
    start: match.index,
    end: match.index + match[0].length,
  }));
  const spans: Span[] = [];
  let done = 0;
  for (const [i, marker] of markers.entries()) {
    if (marker.start < done) continue;
    const next = markers[i + 1];
    let { start, end } = marker;
    if (!marker.opens) start = startOfCut(text, done, start);
    else if (next && !next.opens && isBody(text, end, next.start)) end = next.end;
    else end = endOfCut(text, end);
    spans.push({ start, end, what: "private-key" });
    done = end;
  }
  return replaceSpans(text, spans, write);
}

/** A quote in between means two texts, of which neither is whole. */
function isBody(text: string, start: number, end: number): boolean {
  return end - start <= LONGEST_BODY && !text.slice(start, end).includes('"');
}

function endOfCut(text: string, from: number): number {
  CUT_BODY.lastIndex = from;
  return from + (CUT_BODY.exec(text)?.[0].length ?? 0);
}

/** Walks back from an END over whole lines of base64, the last of which may be short. */
function startOfCut(text: string, from: number, end: number): number {
  const lines = text.slice(Math.max(from, end - LONGEST_BODY), end).split(BREAKS);
  const body: string[] = [];
  for (const line of lines.toReversed()) {
    if (line === "" && body.length === 0) continue;
    const short = body.length === 0 && /^[A-Za-z0-9+/]{1,64}={0,2}$/.test(line);
    if (!short && !/^[A-Za-z0-9+/]{16,}={0,2}$/.test(line)) break;
    body.push(line);
  }
  // A single short line is not a body but the word before the marker.
  const first = body.at(-1);
  if (first === undefined || first.length < 16) return end;
  let at = end;
  for (const line of body) at = text.lastIndexOf(line, at - line.length);
  return at;
}
