import { setImmediate } from "node:timers/promises";
import type { Store, StoreListener } from "../store/store.ts";
import { searchOnDisk } from "./disk.ts";
import { VectorMemory } from "./vector-memory.ts";
import { NamespaceView, type Searchable, viewBytes } from "./view.ts";

/** Room for a record's sparse dimensions when it is not known how many there are. */
const TYPICAL_DIMENSIONS = 80;
/** Records read at a time while a namespace is loaded: a few milliseconds, then others have their turn. */
const PAGE = 200;
/** What a 32-bit memory can hold, less what the writes of one moment may add before something is dropped. */
const MAX_BUDGET = 3 * 1024 ** 3;

interface Entry {
  readonly view: NamespaceView;
  /** Set until every record is in the view. */
  loading?: Promise<void>;
}

/**
 * The namespaces in memory, at most `budget` bytes of them: loaded by the first query, or there from their first
 * vector on; kept up to date by every write, the least recently used ones dropped. A namespace that would not fit alone
 * is searched on disk.
 */
export class Views implements StoreListener {
  /** In the order of use: a Map iterates in order of insertion. */
  readonly #entries = new Map<number, Entry>();
  readonly #dimension: number;
  readonly #budget: number;
  readonly #memory: VectorMemory;

  constructor(dimension: number, budget: number) {
    this.#dimension = dimension;
    this.#budget = Math.min(budget, MAX_BUDGET);
    this.#memory = new VectorMemory(dimension);
  }

  /** Estimate of the memory held. */
  get bytes(): number {
    let bytes = 0;
    for (const { view } of this.#entries.values()) bytes += view.bytes;
    return bytes;
  }

  /** Brings a namespace into memory if it fits. Other requests are served meanwhile; all that wait share one loading. */
  async load(store: Store, namespace: number): Promise<void> {
    const known = this.#entries.get(namespace);
    if (known?.loading) return known.loading;
    if (known && !known.view.mostlyDead) return;
    this.#drop(namespace);
    const bytes = viewBytes(1, this.#dimension, TYPICAL_DIMENSIONS) * store.count(namespace);
    if (bytes > this.#budget) return;
    this.#evict(this.#budget - bytes);
    const entry = this.#add(store, namespace);
    entry.loading = this.#fill(entry.view, store, namespace).then(() => {
      entry.loading = undefined;
    });
    await entry.loading;
  }

  /** What a query of now searches: the namespace in memory, or on disk. */
  searchable(store: Store, namespace: number): Searchable {
    const entry = this.#entries.get(namespace);
    if (!entry || entry.loading) return searchOnDisk(store, namespace);
    this.#entries.delete(namespace);
    this.#entries.set(namespace, entry);
    return entry.view;
  }

  created: StoreListener["created"] = (store, namespace) => {
    this.#drop(namespace);
    this.#add(store, namespace);
  };

  saved: StoreListener["saved"] = (namespace, seq, record) => {
    this.#entries.get(namespace)?.view.save(seq, record);
    this.#evict(this.#budget);
  };

  removed: StoreListener["removed"] = (namespace, seqs) => {
    const entry = this.#entries.get(namespace);
    for (const seq of seqs) entry?.view.remove(seq);
  };

  cleared: StoreListener["cleared"] = (namespace) => {
    this.#drop(namespace);
  };

  #add(store: Store, namespace: number): Entry {
    const readMetadata = (seq: number) => store.bySeq(seq, { metadata: true })?.metadata;
    const entry: Entry = { view: new NamespaceView(this.#memory, readMetadata) };
    this.#entries.set(namespace, entry);
    return entry;
  }

  /** Ends early when the view is dropped. What is written meanwhile is in the view before its page is read. */
  async #fill(view: NamespaceView, store: Store, namespace: number): Promise<void> {
    const isWanted = () => this.#entries.get(namespace)?.view === view;
    try {
      for (let last = 0; isWanted(); await setImmediate()) {
        const page = store.vectors(namespace, { after: last, limit: PAGE });
        for (const { seq, ...vectors } of page) {
          if (!view.has(seq)) view.save(seq, vectors);
          last = seq;
        }
        if (page.length < PAGE) return;
      }
    } catch (error) {
      if (isWanted()) this.#drop(namespace);
      throw error;
    }
  }

  #drop(namespace: number): void {
    this.#entries.get(namespace)?.view.release();
    this.#entries.delete(namespace);
  }

  /** Drops the least recently used until what is left has at most so many bytes. */
  #evict(limit: number): void {
    let { bytes } = this;
    for (const [namespace, { view }] of this.#entries) {
      if (bytes <= limit) return;
      bytes -= view.bytes;
      this.#drop(namespace);
    }
  }
}
