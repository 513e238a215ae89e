/** Scripts that are written without blanks between words, and Hangul, whose endings vary: pairs of characters are terms. */
const PAIRED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}ー]+/u;
/** Runs of one kind: either paired characters or a word. */
const RUN = new RegExp(`${PAIRED.source}|[\\p{L}\\p{M}\\p{N}_]+`, "gu");

/** English words that tell nothing about what is asked. Other languages' are told by how often they come. */
const STOP_WORDS = new Set(
  `a about above after again all also am an and any are as at be because been before being below between both but by can
  could describe did do does doing down during each every explain few for from further give had has have having he her here
  hers him his how i if in into is it its itself just like list me more most my no nor not now of off on once only or other
  our ours out over own please same say says section she should so some such tell than that the their theirs them then there
  these they this those through to too under until up us very was we were what when where which while who whom why will with
  would you your yours`.split(/\s+/),
);

/**
 * What a text is about: its words in lower case with English endings taken off, and pairs of characters where a script has
 * no words. Depends on neither locale nor clock. In order of appearance, with repeats.
 */
export function terms(text: string): string[] {
  const found: string[] = [];
  for (const [run] of text.normalize("NFKC").toLowerCase().matchAll(RUN)) {
    if (PAIRED.test(run)) found.push(...pairs(run));
    else if (!STOP_WORDS.has(run)) found.push(stem(run));
  }
  return found;
}

/** Whether a term is a pair of characters: some pairs of a sentence are of two words, and stand nowhere else. */
export function isPair(term: string): boolean {
  return PAIRED.test(term);
}

function pairs(run: string): string[] {
  const characters = [...run];
  if (characters.length === 1) return characters;
  return characters.slice(1).map((character, at) => (characters[at] ?? "") + character);
}

/** Takes off what most often varies; both sides are treated alike, so a stem that is no word does no harm. */
function stem(word: string): string {
  if (word.length < 4 || /[^a-z]/.test(word)) return word;
  const base = word
    .replace(/ies$/, "y")
    .replace(/(ss|us|is)$|(?:(?<=[sxz]|ch|sh)e)?s$/, "$1")
    .replace(/(?<=[a-z]{3})(?:ations?|ing|ed|ions?|als?)$/, "");
  const single = base.replace(/([bdfgklmnprt])\1$/, "$1");
  return single.length > 3 ? single.replace(/e$/, "") : single;
}
