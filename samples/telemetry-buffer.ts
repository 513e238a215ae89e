/**
 * The ring buffer that a Kelpline buoy keeps on flash while the satellite link is down.
 *
 * Readings are written in order and read back in order. When the buffer is full the oldest reading is dropped, because
 * a harbour master cares about the water as it is now; how many were dropped is reported with the next upload.
 */
export interface Reading {
  /** Milliseconds since the epoch, from the buoy's GNSS clock. */
  readonly takenAt: number;
  /** Practical salinity units. */
  readonly salinity: number;
  /** Degrees Celsius at two metres depth. */
  readonly temperature: number;
}

export class TelemetryBuffer {
  readonly #capacity: number;
  readonly #readings: Reading[] = [];
  #dropped = 0;

  /** `capacity` is in readings; a buoy with the standard 64 MB flash holds 400,000 of them, about 46 days. */
  constructor(capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new RangeError(`capacity must be a positive integer, not ${capacity}`);
    }
    this.#capacity = capacity;
  }

  /** Adds a reading, dropping the oldest one when there is no room. */
  push(reading: Reading): void {
    if (this.#readings.length === this.#capacity) {
      this.#readings.shift();
      this.#dropped++;
    }
    this.#readings.push(reading);
  }

  /** Takes up to `limit` readings for an upload. Put them back with `restore` when the upload fails. */
  drain(limit: number): { readings: readonly Reading[]; dropped: number } {
    const readings = this.#readings.splice(0, limit);
    const dropped = this.#dropped;
    this.#dropped = 0;
    return { readings, dropped };
  }

  /** Puts drained readings back in front, as far as there is room for them. */
  restore(readings: readonly Reading[], dropped: number): void {
    const room = Math.max(0, this.#capacity - this.#readings.length);
    const kept = room === 0 ? [] : readings.slice(-room);
    this.#readings.unshift(...kept);
    this.#dropped += dropped + readings.length - kept.length;
  }
}
