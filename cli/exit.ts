/** What the command line ends with; docs/cli.md is the contract. */
export const EXIT = {
  ok: 0,
  /** The answer is no: refused, failed, not there, broken. */
  negative: 1,
  /** What was typed makes no sense, or something that is needed was not said. */
  usage: 2,
  /** Nobody answered, or not as Countersign does. */
  unreachable: 3,
  /** No token, or one that is not accepted. */
  signedOut: 4,
  /** It was sent, and what became of it is not known yet. */
  undecided: 5,
  /** A fault of ours. */
  bug: 70,
  /** Nobody reads what it has to say any more: what a shell makes of SIGPIPE. */
  unread: 141,
} as const;

/** An end that a person can do something about: told in a sentence, never with a stack trace. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly exit: number;

  constructor(exit: (typeof EXIT)[keyof typeof EXIT], message: string) {
    super(message);
    this.exit = exit;
  }
}
