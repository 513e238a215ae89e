/** A file of the work tree that a sandbox starts with. Symbolic links and submodules are not among them. */
export interface WorkFile {
  /** Relative to the work tree, with `/`, without `.` and `..`. */
  readonly path: string;
  readonly executable: boolean;
  readonly bytes: Buffer;
}

export interface SandboxSpec {
  /** Identity: the same name again is the same sandbox, also from another process. 1 to 60 letters, digits, dashes. */
  readonly name: string;
  /** The work tree; read only when the sandbox is not there yet. */
  files(): AsyncIterable<WorkFile>;
  /** Whether its commands may run where nothing can hold them: the operator says so (SANDBOX_TRUSTED_REPOS). */
  readonly trusted: boolean;
}

export interface Command {
  /** Program and arguments; checked against the allow-list, never given to a shell. */
  readonly argv: readonly [string, ...string[]];
  /** Relative to the work tree; absent: its top. */
  readonly cwd?: string;
  /** Nothing of the host's environment comes along. */
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Of standard output and error together; what comes after is dropped and the result says so. */
  readonly maxOutputBytes: number;
  /** Gets output as it comes, both streams in the order of arrival; not redacted. */
  onOutput?(chunk: Buffer): void;
  readonly signal?: AbortSignal;
}

export interface CommandResult {
  /** Null when it was ended: by us at the deadline or a limit, or by a signal. */
  readonly exitCode: number | null;
  readonly ended: "exited" | "timeout" | "canceled" | "killed";
  readonly output: Buffer;
  /** Whether output was dropped. */
  readonly truncated: boolean;
  readonly durationMs: number;
}

/** What keeps the commands of a sandbox from the host: a machine of their own, namespaces, or nothing. */
export type Isolation = "microvm" | "bubblewrap" | "not isolated";

/**
 * A work tree with a place to run commands in. No network, no secret of the host, bounded memory, processes and disk,
 * as far as `isolation` says.
 */
export interface Sandbox {
  readonly name: string;
  readonly isolation: Isolation;
  /** Throws InvalidInput when the command is not allowed. A command that fails is a result, not an error. */
  run(command: Command): Promise<CommandResult>;
  /** A file of the work tree, its links resolved inside. Throws NotFound, and InvalidInput for a path that leaves. */
  read(path: string): Promise<Buffer>;
  write(path: string, bytes: Buffer): Promise<void>;
  /** Ends what runs in it and removes it; can be repeated. */
  stop(): Promise<void>;
}

export interface SandboxProvider {
  /** The sandbox of that name, made when it is not there. Throws Conflict when it may not run here (see `trusted`). */
  open(spec: SandboxSpec): Promise<Sandbox>;
  /** Ends and removes the sandbox of that name, when there is one, whoever opened it. */
  stop(name: string): Promise<void>;
}
