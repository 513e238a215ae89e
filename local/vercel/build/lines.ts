/** A shorter value would hide half of what is printed. */
const MIN_HIDDEN = 6;
const MAX_PENDING = 64 * 1024;

/** Cuts what a build prints into lines, with the values of its variables taken out. */
export class Lines {
  readonly #values: readonly string[];
  readonly #say: (line: string) => void;
  readonly #decoder = new TextDecoder();
  #rest = "";

  constructor(values: readonly string[], say: (line: string) => void) {
    // The longest first, so that one that holds another goes as a whole.
    this.#values = values
      .filter((one) => one.length >= MIN_HIDDEN)
      .sort((a, b) => b.length - a.length);
    this.#say = say;
  }

  push(chunk: Buffer): void {
    const lines = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#tell(line);
    if (this.#rest.length > MAX_PENDING) this.end();
  }

  end(): void {
    if (this.#rest !== "") this.#tell(this.#rest);
    this.#rest = "";
  }

  #tell(line: string): void {
    let shown = line.replace(/\r$/, "");
    for (const value of this.#values) shown = shown.replaceAll(value, "[hidden]");
    this.#say(shown);
  }
}
