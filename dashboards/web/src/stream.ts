// The connection that events come over. It is taken up here and not by the
// browser, which gives up on some answers (503 while a server starts, say) and
// does not tell where it stands: after any break, go on after the last id.

export type State = "connecting" | "live" | "waiting";

/** Open begins a connection; say is told of all that comes, broken of its end. */
export type Open = (query: string, topics: readonly string[], say: (type: string, id: string, data?: unknown) => void, broken: () => void) => { close(): void };

/**
 * socket is a WebSocket. A browser opens hundreds of them, but only six event
 * streams to one server over HTTP/1.1, all its tabs together: what a seventh
 * connection asks for, even the page of another tab, would wait for ever.
 */
const socket: Open = (query, _, say, broken) => {
  const line = new WebSocket(`${location.origin.replace(/^http/, "ws")}/v1/ws?${query}`);
  line.onmessage = (e: MessageEvent<string>) => {
    const m = JSON.parse(e.data) as { op: string; topic?: string; id?: string; data?: unknown };
    say({ event: m.topic, subscribed: "hello" }[m.op] ?? m.op, m.id ?? "", m.data);
  };
  line.onclose = broken;
  return line;
};

/** events is an event stream, for where something on the way lets no WebSocket through. */
const events: Open = (query, topics, say, broken) => {
  const source = new EventSource(`/v1/stream?${query}`);
  for (const type of ["hello", "reset", ...topics]) source.addEventListener(type, (e) => say(type, e.lastEventId, JSON.parse(e.data)));
  source.onerror = broken;
  return source;
};

let sockets = false; // one of them has been answered here

export interface Options {
  query: string; // filters, without the id
  after: string; // the position of the snapshot
  topics: readonly string[];
  onEvent(topic: string, data: unknown): void;
  onState(state: State): void;
  /** The server could not go on where asked: a new snapshot is needed. */
  onReset(): void;
  open?: Open;
  later?: (run: () => void, ms: number) => void;
}

/** pauseAfter is how long to wait before the nth attempt in a row, in milliseconds. */
export const pauseAfter = (failures: number): number => Math.min(8000, 250 * 2 ** Math.min(failures, 6));

export class Stream {
  /** id of the last event, and so the place to go on from. */
  id: string;
  private line: { close(): void } | undefined;
  private failures = 0;
  private closed = false;

  constructor(private readonly o: Options) {
    this.id = o.after;
    o.onState("connecting");
    this.connect();
  }

  close(): void {
    this.closed = true;
    this.line?.close();
  }

  private connect(): void {
    if (this.closed) return;
    const query = new URLSearchParams(this.o.query);
    if (this.id) query.set("last_event_id", this.id);
    const open = this.o.open ?? (sockets || this.failures % 2 === 0 ? socket : events);
    const line = open(
      query.toString(),
      this.o.topics,
      (type, id, data) => {
        if (this.closed) return;
        if (type === "reset") {
          this.close();
          this.o.onReset();
        } else if (type === "hello") {
          this.failures = 0;
          this.id = id;
          sockets ||= open === socket;
          this.o.onState("live");
        } else if (this.o.topics.includes(type)) {
          this.o.onEvent(type, data);
          this.id = id;
        }
      },
      () => {
        line.close();
        if (this.closed || this.line !== line) return;
        this.line = undefined;
        this.o.onState("waiting");
        const later = this.o.later ?? ((run: () => void, ms: number) => void setTimeout(run, ms));
        later(() => this.connect(), pauseAfter(this.failures++));
      },
    );
    this.line = line;
  }
}
