// Everything below U+0020 but \t and \n, DEL, the C1 block, and the two non-characters that PDF readers leave behind.
// biome-ignore lint/suspicious/noControlCharactersInRegex: taking control characters out is the purpose.
const CONTROL = /[\u0000-\u0008\u000b\u000e-\u001f\u007f-\u009f\ufeff\ufffe\uffff]/g;

/** Text with \n line ends, without control characters and without lone surrogates, which JSON and PostgreSQL refuse. */
export function cleanText(text: string): string {
  return text
    .replace(/\r\n?|[\f\u0085\u2028\u2029]/g, "\n")
    .replace(CONTROL, "")
    .toWellFormed();
}

/** Text in which there is nothing to clean, which most is: telling it is several times as fast as cleaning. */
const CLEAN = /^[\t\n\x20-\x7e]*$/;

/** `cleanText` for prose: also NFKC, so that ligatures, full-width letters and the like are found by what people type. */
export function cleanProse(text: string): string {
  return CLEAN.test(text) ? text : cleanText(text.normalize("NFKC"));
}

/** One line of cleaned prose, blanks collapsed: for titles, headings and table cells. */
export function cleanLine(text: string): string {
  return cleanProse(text).replace(/\s+/g, " ").trim();
}

/**
 * Keeps a line of a source that is not Markdown from being read as Markdown structure: a shell comment in a PDF is no
 * heading, and a stray fence would swallow the rest of the document.
 */
export function escapeStructure(line: string): string {
  return line.replace(/^(\s{0,3})(#{1,6}(?=\s|$)|```|~~~)/, "$1\\$2");
}
