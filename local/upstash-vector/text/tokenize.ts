import { stem } from "./stem.ts";

const WORD = /[\p{L}\p{M}\p{N}]+/gu;
/** Scripts written without spaces between words. */
const UNSPACED =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}ー々〆]+/gu;
const ASCII = /^[a-z]+$/;

/** Words so common in English that matching them says nothing. */
const STOP_WORDS = new Set(
  `a about after all also an and any are as at be been but by can could did do does for from had has have he her
  him his how i if in into is it its me more my no not of on or our out she so some such than that the their them
  then there these they this those to too up was we were what when where which who will with would you your`.split(
    /\s+/,
  ),
);

/**
 * Terms of a text for BM25, in order and with repeats.
 *
 * English words are lower-cased, freed of stop words and stemmed, as Upstash's BM25 does. A run of a script without
 * spaces gives its overlapping pairs of characters (and the single one when it is alone): no dictionary is needed,
 * any phrase of two characters or more is found, and unlike SQLite's trigram tokenizer words of two characters,
 * which is what most Chinese words are, are found too. Other scripts are matched by whole words.
 */
export function terms(text: string): string[] {
  const found: string[] = [];
  for (const [word] of text.normalize("NFKC").toLowerCase().matchAll(WORD)) {
    let end = 0;
    for (const run of word.matchAll(UNSPACED)) {
      addWord(word.slice(end, run.index), found);
      addPairs([...run[0]], found);
      end = run.index + run[0].length;
    }
    addWord(word.slice(end), found);
  }
  return found;
}

function addWord(word: string, found: string[]): void {
  if (word === "" || STOP_WORDS.has(word)) return;
  found.push(ASCII.test(word) ? knownStem(word) : word);
}

/** Stems already worked out: few words make up most of any text. Forgotten all at once when there are too many. */
const stems = new Map<string, string>();
const MAX_STEMS = 50_000;
const MAX_STEM_LENGTH = 40;

function knownStem(word: string): string {
  // Nobody's English; kept out so that the table stays small.
  if (word.length > MAX_STEM_LENGTH) return word;
  let stemmed = stems.get(word);
  if (stemmed === undefined) {
    stemmed = stem(word);
    if (stems.size >= MAX_STEMS) stems.clear();
    stems.set(word, stemmed);
  }
  return stemmed;
}

function addPairs(characters: string[], found: string[]): void {
  if (characters.length === 1) found.push(characters.join(""));
  for (let i = 0; i + 1 < characters.length; i++) {
    found.push(`${characters[i]}${characters[i + 1]}`);
  }
}
