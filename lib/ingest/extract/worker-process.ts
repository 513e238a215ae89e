import { type ChildProcess, fork } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { FileRefused } from "../../errors.ts";
import type { ExtractJob, ExtractReply } from "./job.ts";

/**
 * The worker's entry: the source beside this file, or `extract-worker.js` beside the bundle that holds this module.
 * The build must emit `worker.ts` under that name.
 */
const WORKER = new URL(
  import.meta.url.endsWith(".ts") ? "./worker.ts" : "./extract-worker.js",
  import.meta.url,
);

const MB = 1024 * 1024;
const WATCH_MS = 50;
/** How much of what a worker wrote to stderr is kept, in characters. */
const COMPLAINT_LENGTH = 2_000;

/** What a worker is started for. */
export interface WorkerKind {
  /** Limit of its JavaScript heap. */
  readonly heapBytes: number;
  /** Whether it reads PDFs, and nothing else. */
  readonly pdf: boolean;
}

/**
 * A PDF is parsed inside WebAssembly, from where no file can start a thread; whoever can run JavaScript could start one
 * without these permissions, so other workers may not.
 */
const PDF_PERMISSIONS = ["--allow-worker"];

/** Keeps a worker that waits small: little of its heap is young, and every thread that compiles holds on to megabytes. */
const PDF_MEMORY = [
  "--expose-gc",
  "--max-semi-space-size=1",
  "--v8-pool-size=1",
  "--wasm-num-compilation-tasks=1",
];

/**
 * PDFium calls much through C++ virtual functions, which V8 inlines where nearly always the same one is meant. And it marks
 * no garbage in the background, on the core that reads pages, before there is much: a worker collects after each file.
 */
const PDF_SPEED = [
  "--wasm-inlining-call-indirect",
  "--wasm-inlining-max-size=1000",
  "--wasm-inlining-budget=10000",
  "--initial-old-space-size=64",
];

/**
 * A process that reads files, one after another. It is a process and not a thread because V8 cannot always unwind a
 * thread that is out of memory: inside a long built-in it ends the whole process instead, and a Word document of 40 KB is
 * enough to make it do so.
 */
export class WorkerProcess {
  readonly kind: WorkerKind;
  /** How many jobs it was given. */
  jobs = 0;
  readonly #child: ChildProcess;
  readonly #ended: Promise<{ code: number | null; signal: string | null }>;
  #complaint = "";

  constructor(kind: WorkerKind) {
    this.kind = kind;
    this.#child = startWorker(kind);
    this.#child.stderr?.on("data", (text: Buffer) => {
      this.#complaint = (this.#complaint + text).slice(-COMPLAINT_LENGTH);
    });
    this.#ended = new Promise((resolve) => {
      this.#child.once("exit", (code, signal) => resolve({ code, signal }));
      // It did not start, or a message did not reach it.
      this.#child.on("error", (error) => {
        this.#complaint += error.message;
        resolve({ code: null, signal: null });
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /**
   * Its reply to one job. Throws FileRefused when the file ends the process or must be ended with it: `too_slow` past the
   * deadline, `too_much_memory` past the heap or the memory in all, `corrupt` when the parser crashed. Throws a plain
   * Error when the process ends by itself, as one that cannot start does. After a throw the process is of no more use.
   */
  async run(job: ExtractJob): Promise<ExtractReply> {
    this.jobs++;
    const { promise, resolve, reject } = Promise.withResolvers<ExtractReply>();
    const receive = (reply: unknown) => resolve(reply as ExtractReply);
    this.#child.once("message", receive);
    void this.#ended.then(({ code, signal }) => {
      const failed = new Error(`An extraction worker ended with ${code}: ${this.#complaint}`);
      reject(signal ? killedBy(signal, job) : failed);
    });
    const deadline = setTimeout(() => reject(tooSlow(job)), job.limits.deadlineMs);
    // The heap limit counts neither buffers nor WebAssembly, so the whole of it is watched from outside.
    const watch = setInterval(async () => {
      if ((await this.residentBytes()) > job.limits.memoryBytes) reject(tooMuchMemory(job));
    }, WATCH_MS);
    try {
      this.#child.send(job);
      return await promise;
    } finally {
      clearTimeout(deadline);
      clearInterval(watch);
      this.#child.off("message", receive);
    }
  }

  /** Memory that it occupies, in bytes; 0 where the system does not tell, or when it is gone. */
  async residentBytes(): Promise<number> {
    try {
      const status = await readFile(`/proc/${this.pid}/status`, "utf8");
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
    } catch {
      // Not Linux, or the process has just ended, which its own event tells.
      return 0;
    }
  }

  /** Whether this process stays alive for it. One that is left without its parent ends by itself. */
  hold(held: boolean): void {
    const { channel, stderr } = this.#child;
    for (const handle of [this.#child, channel, stderr as unknown as NodeJS.RefCounted | null]) {
      if (held) handle?.ref();
      else handle?.unref();
    }
  }

  /** Kills it, and waits until it is gone. */
  async end(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  /** Settles when it has ended, by whatever. */
  async ended(): Promise<void> {
    await this.#ended;
  }
}

function startWorker({ heapBytes, pdf }: WorkerKind): ChildProcess {
  return fork(fileURLToPath(WORKER), [], {
    // A parser of hostile input needs no environment, writes no file and starts no program.
    env: {},
    execArgv: [
      "--permission",
      "--allow-fs-read=*",
      `--max-old-space-size=${Math.ceil(heapBytes / MB)}`,
      ...(pdf ? [...PDF_PERMISSIONS, ...PDF_MEMORY, ...PDF_SPEED] : []),
    ],
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
}

/** By these a process ends itself: a parser that crashed. */
const CRASHES = ["SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE"];

/** V8 aborts when its heap is full, and the system kills when memory is. What ends a process otherwise is not the file's fault. */
function killedBy(signal: string, job: ExtractJob): Error {
  if (["SIGABRT", "SIGKILL", "SIGTRAP"].includes(signal)) return tooMuchMemory(job);
  if (!CRASHES.includes(signal)) return new Error(`An extraction worker was ended by ${signal}`);
  const message = "The file is damaged and cannot be read. Save it again and upload that.";
  return new FileRefused("corrupt", message, { name: job.name, signal });
}

function tooMuchMemory(job: ExtractJob): FileRefused {
  const message = "Reading the file takes more memory than is allowed. Split it or simplify it.";
  return new FileRefused("too_much_memory", message, { name: job.name });
}

function tooSlow(job: ExtractJob): FileRefused {
  const seconds = job.limits.deadlineMs / 1000;
  const message = `Reading the file takes more than ${seconds} s. Split it or simplify it.`;
  return new FileRefused("too_slow", message, { name: job.name, seconds });
}
