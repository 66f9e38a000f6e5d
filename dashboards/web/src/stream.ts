// The connection to /v1/stream. The browser's own reconnection gives up on some
// answers (503 while a server starts, say) and does not tell where it stands, so
// it is done here: after any break, go on after the last id.

export type State = "connecting" | "live" | "waiting";

/** Source is what the stream needs of an EventSource. */
export interface Source {
  addEventListener(type: string, listener: (e: MessageEvent<string>) => void): void;
  close(): void;
  onerror: ((e: Event) => void) | null;
}

export interface Options {
  query: string; // filters, without the id
  after: string; // the position of the snapshot
  topics: readonly string[];
  onEvent(topic: string, data: unknown): void;
  onState(state: State): void;
  /** The server could not go on where asked: a new snapshot is needed. */
  onReset(): void;
  open?: (url: string) => Source;
  later?: (run: () => void, ms: number) => void;
}

/** pauseAfter is how long to wait before the nth attempt in a row, in milliseconds. */
export const pauseAfter = (failures: number): number => Math.min(8000, 250 * 2 ** Math.min(failures, 6));

export class Stream {
  /** id of the last event, and so the place to go on from. */
  id: string;
  private source: Source | undefined;
  private failures = 0;
  private closed = false;

  constructor(private readonly o: Options) {
    this.id = o.after;
    this.connect();
  }

  close(): void {
    this.closed = true;
    this.source?.close();
  }

  private connect(): void {
    if (this.closed) return;
    this.o.onState("connecting");
    const query = new URLSearchParams(this.o.query);
    if (this.id) query.set("last_event_id", this.id);
    const open = this.o.open ?? ((url: string) => new EventSource(url) as Source);
    const source = open(`/v1/stream?${query}`);
    this.source = source;
    source.addEventListener("hello", (e) => {
      this.failures = 0;
      this.id = e.lastEventId;
      this.o.onState("live");
    });
    source.addEventListener("reset", () => {
      this.close();
      this.o.onReset();
    });
    for (const topic of this.o.topics) {
      source.addEventListener(topic, (e) => {
        this.o.onEvent(topic, JSON.parse(e.data));
        this.id = e.lastEventId;
      });
    }
    source.onerror = () => {
      source.close();
      if (this.closed || this.source !== source) return;
      this.source = undefined;
      this.o.onState("waiting");
      const later = this.o.later ?? ((run: () => void, ms: number) => void setTimeout(run, ms));
      later(() => this.connect(), pauseAfter(this.failures++));
    };
  }
}
