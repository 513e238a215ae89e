import type { Queue, QueueItem } from "./store/queue.ts";

/** One of the limits that an item needs room under while it runs. */
export interface Slot {
  readonly key: string;
  readonly limit: number;
}

/** What the scheduler asks of the rest of the engine. */
export interface Work {
  /** The limits that a due item counts against, and by how many milliseconds it goes before others at them. */
  room(item: QueueItem): { readonly slots: readonly Slot[]; readonly aheadMs: number };
  /** Runs a due item. Where it rejects, the process ends. */
  run(item: QueueItem): Promise<void>;
  /** The last item that was running has ended. */
  idle(): void;
}

/** What waits for room under the same limit, in the order in which it will get it. */
interface Line {
  readonly limit: number;
  readonly waiting: { readonly id: string; readonly rank: number }[];
}

/** setTimeout overflows beyond this. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Runs queue items when they are due, within their concurrency limits. Everything due until `#horizon` is in
 * memory (ready, waiting for room, or running); the rest stays in the database under one timer for the earliest.
 * So nothing polls, and a start on the same database picks up whatever was unfinished.
 */
export class Scheduler {
  readonly #queue: Queue;
  readonly #work: Work;
  #horizon = 0;
  #ready: string[] = [];
  readonly #running = new Set<string>();
  /** Became due again while it was still running. */
  readonly #repeat = new Set<string>();
  readonly #used = new Map<string, number>();
  /** Key -> what waits for room under it: where the first of a line does not fit, none of that line does. */
  readonly #lines = new Map<string, Line[]>();
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #pumpPlanned = false;
  #stopped = false;

  constructor(queue: Queue, work: Work) {
    this.#queue = queue;
    this.#work = work;
  }

  /** Loads what is due and starts; from here on the queue tells about every change. */
  start(): void {
    this.#queue.listen((id, dueAt) => this.#notice(id, dueAt));
    this.#advance();
  }

  /** Starts nothing more. What is running is left to its own end. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Limits have changed: what waits for room is looked at again. */
  reconsider(): void {
    const lines = [...this.#lines.values()].flat();
    this.#lines.clear();
    const waiting = lines.flatMap((line) => line.waiting).sort((a, b) => a.rank - b.rank);
    for (const { id } of waiting) this.#makeReady(id);
  }

  #notice(id: string, dueAt: number): void {
    if (this.#stopped) return;
    if (dueAt <= this.#horizon) this.#makeReady(id);
    else if (dueAt <= Date.now()) this.#advance();
    else this.#arm(dueAt);
  }

  #advance(): void {
    const until = Math.max(this.#horizon, Date.now());
    const ids = this.#queue.due(this.#horizon, until);
    this.#horizon = until;
    for (const id of ids) this.#makeReady(id);
    clearTimeout(this.#timer);
    this.#timerAt = Number.POSITIVE_INFINITY;
    const next = this.#queue.nextDue(until);
    if (next !== undefined) this.#arm(next);
  }

  #arm(dueAt: number): void {
    if (dueAt >= this.#timerAt || this.#stopped) return;
    clearTimeout(this.#timer);
    this.#timerAt = dueAt;
    this.#timer = setTimeout(
      () => this.#advance(),
      Math.min(MAX_TIMER_MS, Math.max(0, dueAt - Date.now())),
    );
  }

  #makeReady(id: string): void {
    if (this.#running.has(id)) this.#repeat.add(id);
    else this.#ready.push(id);
    if (this.#pumpPlanned) return;
    this.#pumpPlanned = true;
    setImmediate(() => this.#pump());
  }

  #pump(): void {
    this.#pumpPlanned = false;
    const ready = this.#ready;
    this.#ready = [];
    for (const id of ready) {
      if (this.#stopped) return;
      this.#start(id);
    }
  }

  #start(id: string): void {
    if (this.#running.has(id)) {
      this.#repeat.add(id);
      return;
    }
    const item = this.#queue.get(id);
    if (!item || item.due_at > this.#horizon) return; // removed or moved since: it will be noticed again
    const { slots, aheadMs } = this.#work.room(item);
    const full = slots.find((slot) => (this.#used.get(slot.key) ?? 0) >= slot.limit);
    if (full) {
      this.#await(full, id, item.due_at - aheadMs);
      return;
    }
    for (const { key } of slots) this.#used.set(key, (this.#used.get(key) ?? 0) + 1);
    this.#running.add(id);
    void this.#work.run(item).finally(() => this.#finished(id, slots));
  }

  #finished(id: string, slots: readonly Slot[]): void {
    this.#running.delete(id);
    if (this.#repeat.delete(id)) this.#makeReady(id);
    for (const { key } of slots) {
      const used = (this.#used.get(key) ?? 1) - 1;
      if (used > 0) this.#used.set(key, used);
      else this.#used.delete(key);
    }
    for (const { key } of slots) this.#wake(key);
    if (this.#running.size === 0) this.#work.idle();
  }

  #await({ key, limit }: Slot, id: string, rank: number): void {
    const lines = this.#lines.get(key) ?? [];
    this.#lines.set(key, lines);
    const line = lines.find((one) => one.limit === limit);
    if (!line) {
      lines.push({ limit, waiting: [{ id, rank }] });
      return;
    }
    // Mostly it belongs at the end.
    let at = line.waiting.length;
    while (at > 0 && (line.waiting[at - 1]?.rank ?? 0) > rank) at--;
    line.waiting.splice(at, 0, { id, rank });
  }

  /** Starts what waits for room under this key, until nothing more fits. */
  #wake(key: string): void {
    while (!this.#stopped) {
      const id = this.#takeNext(key);
      if (id === undefined) return;
      this.#start(id);
    }
  }

  /** Takes the first of all that wait under this key in a line that has room. */
  #takeNext(key: string): string | undefined {
    const lines = this.#lines.get(key);
    if (!lines) return undefined;
    const used = this.#used.get(key) ?? 0;
    const [line] = lines.filter(({ limit }) => used < limit).sort((a, b) => rankOf(a) - rankOf(b));
    const next = line?.waiting.shift();
    if (line?.waiting.length === 0) lines.splice(lines.indexOf(line), 1);
    if (lines.length === 0) this.#lines.delete(key);
    return next?.id;
  }
}

function rankOf({ waiting: [first] }: Line): number {
  return first?.rank ?? 0;
}
