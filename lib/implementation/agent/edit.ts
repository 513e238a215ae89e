/**
 * A text in which one passage is another. The passage has to stand there exactly once, since a model that says where by quoting
 * must not hit a second place. Otherwise `problem` says, for the model, what to change.
 */
export function editOnce(
  text: string,
  { old, replacement }: { old: string; replacement: string },
): { text: string } | { problem: string } {
  if (old === "") return { problem: "`old` is empty: quote what is to be replaced." };
  if (old === replacement)
    return { problem: "`old` and `new` are the same: nothing would change." };
  const at = text.indexOf(old);
  if (at === -1) return { problem: "`old` does not stand in the file: read it, and copy exactly." };
  // From the next character on: places that overlap are two as well.
  if (text.indexOf(old, at + 1) !== -1) {
    return { problem: "`old` stands in the file more than once: quote more lines around it." };
  }
  return { text: text.slice(0, at) + replacement + text.slice(at + old.length) };
}
