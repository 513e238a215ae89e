import type { Store, StoreListener } from "../store/store.ts";
import { searchOnDisk } from "./disk.ts";
import { NamespaceView, type Searchable, viewBytes } from "./view.ts";

/** Room for a record's sparse dimensions when it is not known how many there are. */
const TYPICAL_DIMENSIONS = 80;

/**
 * The namespaces in memory, at most `budget` bytes of them: loaded by the first query, kept up to date by every
 * write, the least recently used ones dropped. A namespace that would not fit alone is searched on disk.
 */
export class Views implements StoreListener {
  readonly #views = new Map<number, NamespaceView>();
  readonly #dimension: number;
  readonly #budget: number;

  constructor(dimension: number, budget: number) {
    this.#dimension = dimension;
    this.#budget = budget;
  }

  searchable(store: Store, namespace: number): Searchable {
    let view = this.#views.get(namespace);
    this.#views.delete(namespace);
    if (!view || view.mostlyDead) {
      if (
        store.count(namespace) * viewBytes(1, this.#dimension, TYPICAL_DIMENSIONS) >
        this.#budget
      ) {
        return searchOnDisk(store, namespace);
      }
      view = new NamespaceView(
        this.#dimension,
        (seq) => store.bySeq(seq, { metadata: true })?.metadata,
      );
      for (const { seq, ...vectors } of store.vectors(namespace)) view.save(seq, vectors);
    }
    // Set again in either case: a Map iterates in order of insertion, so the first one is the least recently used.
    this.#views.set(namespace, view);
    this.#evict();
    return view;
  }

  saved: StoreListener["saved"] = (namespace, seq, record) => {
    this.#views.get(namespace)?.save(seq, record);
    this.#evict();
  };

  removed: StoreListener["removed"] = (namespace, seqs) => {
    const view = this.#views.get(namespace);
    for (const seq of seqs) view?.remove(seq);
  };

  cleared: StoreListener["cleared"] = (namespace) => {
    this.#views.delete(namespace);
  };

  #evict(): void {
    let bytes = 0;
    for (const view of this.#views.values()) bytes += view.bytes;
    for (const [namespace, view] of this.#views) {
      if (bytes <= this.#budget) return;
      this.#views.delete(namespace);
      bytes -= view.bytes;
    }
  }
}
