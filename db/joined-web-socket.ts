let made: typeof WebSocket | undefined;

/**
 * A WebSocket that sends what is written in one turn of the event loop as one message. The Neon driver writes each of the five
 * messages of a query by itself, and its own way to join them (`coalesceWrites`) waits a millisecond for it. Bytes only:
 * PostgreSQL's protocol is a stream, so where a message ends says nothing.
 *
 * The class is made when a database is first opened: with the first mention of `WebSocket` Node loads its fetch and all that
 * belongs to it, which would be a seventh of what importing a function takes.
 */
export function joinedWebSocket(): typeof WebSocket {
  made ??= class JoinedWebSocket extends WebSocket {
    #parts: Uint8Array[] = [];

    override send(data: string | ArrayBufferLike | Blob | ArrayBufferView): void {
      if (!(data instanceof Uint8Array)) {
        this.#flush();
        super.send(data);
        return;
      }
      // Copied: the driver writes its next message into the same memory.
      if (this.#parts.push(data.slice()) === 1) process.nextTick(() => this.#flush());
    }

    override close(code?: number, reason?: string): void {
      this.#flush();
      super.close(code, reason);
    }

    #flush(): void {
      const parts = this.#parts.splice(0);
      // What is written to a connection that is gone is lost; whoever waits for its answer hears of that.
      if (parts.length > 0 && this.readyState === WebSocket.OPEN) super.send(Buffer.concat(parts));
    }
  };
  return made;
}
