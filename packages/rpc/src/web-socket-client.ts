import { WebSocket } from "ws";
import { backoffMs } from "./backoff.ts";
import {
  isObject,
  parseJson,
  parseResponse,
  type RpcClient,
  type RpcClientOptions,
  type RpcFailureCode,
  type RpcResult,
  requestText,
} from "./json-rpc.ts";

export interface WebSocketClientOptions extends RpcClientOptions {
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
}

export interface WebSocketEvents {
  /** Connected, again after each loss; subscriptions of before are gone. */
  onOpen(): void;
  /** The connection was lost or could not be made; the next attempt is scheduled. */
  onLost(code: RpcFailureCode): void;
}

/** A message counts once, and once more for each so many characters. */
const UNASKED_PAGE = 4_096;
/** Far above a chain with a hundred blocks a second. */
const MAX_UNASKED_PER_SECOND = 512;

/** JSON-RPC over a WebSocket that reconnects by itself, with growing pauses, until it is closed. */
export class WebSocketClient implements RpcClient {
  readonly #options: WebSocketClientOptions;
  readonly #events: WebSocketEvents;
  readonly #pending = new Map<number, (result: RpcResult) => void>();
  readonly #subscriptions = new Map<string, (event: unknown) => void>();
  #socket: WebSocket | null = null;
  #retry: NodeJS.Timeout | undefined;
  #attempts = 0;
  #nextId = 1;
  #unasked = 0;
  #unaskedSinceMs = Number.NEGATIVE_INFINITY;
  #isDropping = false;
  #isClosed = false;

  constructor(options: WebSocketClientOptions, events: WebSocketEvents) {
    this.#options = options;
    this.#events = events;
    this.#connect();
  }

  call(method: string, params: readonly unknown[]): Promise<RpcResult> {
    return this.#send(method, params, () => {});
  }

  /** `eth_subscribe`; the notifications of this connection go to `onEvent`. */
  subscribe(params: readonly unknown[], onEvent: (event: unknown) => void): Promise<RpcResult> {
    // The subscription counts from the answer on, not from a later microtask: its first
    // notification may stand in the same read.
    return this.#send("eth_subscribe", params, (subscription) => {
      if (typeof subscription === "string") this.#subscriptions.set(subscription, onEvent);
    });
  }

  /** Drops the connection without `onLost`; the next is made after the backoff. */
  reconnect(): void {
    if (this.#socket === null) return;
    this.#isDropping = true;
    this.#socket.terminate();
  }

  /** The connection is of use: the backoff begins anew at its shortest. */
  resetBackoff(): void {
    this.#attempts = 0;
  }

  close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.#failPending("stopped");
    const socket = this.#socket;
    if (socket === null) return Promise.resolve();
    return new Promise((resolve) => {
      socket.on("close", () => resolve());
      socket.terminate();
    });
  }

  #connect(): void {
    const { url, timeoutMs, maxResponseBytes } = this.#options;
    let lostCode: RpcFailureCode = "unreachable";
    const socket = new WebSocket(url, {
      handshakeTimeout: timeoutMs,
      maxPayload: maxResponseBytes,
      perMessageDeflate: false,
      followRedirects: false,
    });
    this.#socket = socket;
    socket.on("open", () => this.#events.onOpen());
    socket.on("message", (data, isBinary) => {
      const text = isBinary ? "" : data.toString();
      const failure = this.#receive(parseJson(text), text.length);
      if (failure === null) return;
      lostCode = failure;
      socket.terminate();
    });
    // The close event follows and does the work; without a listener the error would be thrown.
    socket.on("error", (error: Error & { readonly code?: string }) => {
      if (error.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH") lostCode = "too-large";
    });
    socket.on("close", () => this.#onClose(lostCode));
  }

  #onClose(code: RpcFailureCode): void {
    const wasDropped = this.#isDropping;
    this.#isDropping = false;
    this.#socket = null;
    this.#subscriptions.clear();
    this.#failPending(code);
    if (this.#isClosed) return;
    this.#retry = setTimeout(() => this.#connect(), backoffMs(this.#attempts++, this.#options));
    if (!wasDropped) this.#events.onLost(code);
  }

  #failPending(code: RpcFailureCode): void {
    for (const settle of [...this.#pending.values()]) settle({ ok: false, code });
  }

  /** Why the message is none that a JSON-RPC node may send; null where it is one. */
  #receive(message: unknown, length: number): RpcFailureCode | null {
    if (!isObject(message)) return "malformed";
    if (message["method"] === "eth_subscription") {
      const { params } = message;
      if (!isObject(params) || typeof params["subscription"] !== "string") return "malformed";
      if (this.#isFlooded(length)) return "flood";
      this.#subscriptions.get(params["subscription"])?.(params["result"]);
      return null;
    }
    const { id } = message;
    if (typeof id !== "number") return "malformed";
    const settle = this.#pending.get(id);
    // An answer to a call that has timed out finds nothing and is dropped.
    if (settle === undefined) return this.#isFlooded(length) ? "flood" : null;
    settle(parseResponse(message, id));
    return null;
  }

  /** Counts what nobody asked for: whoever reads it all has time for nothing else. */
  #isFlooded(length: number): boolean {
    const nowMs = performance.now();
    if (nowMs - this.#unaskedSinceMs >= 1_000) {
      this.#unaskedSinceMs = nowMs;
      this.#unasked = 0;
    }
    this.#unasked += 1 + length / UNASKED_PAGE;
    return this.#unasked > MAX_UNASKED_PER_SECOND;
  }

  #send(
    method: string,
    params: readonly unknown[],
    onResult: (value: unknown) => void,
  ): Promise<RpcResult> {
    const { timeoutMs, maxInFlight } = this.#options;
    const socket = this.#socket;
    if (this.#isClosed) return Promise.resolve({ ok: false, code: "stopped" });
    if (socket?.readyState !== WebSocket.OPEN) {
      return Promise.resolve({ ok: false, code: "unreachable" });
    }
    if (this.#pending.size >= maxInFlight) return Promise.resolve({ ok: false, code: "busy" });
    const id = this.#nextId++;
    const text = requestText(id, method, params);
    return new Promise((resolve) => {
      const settle = (result: RpcResult): void => {
        if (!this.#pending.delete(id)) return;
        clearTimeout(timer);
        if (result.ok) onResult(result.value);
        resolve(result);
      };
      const timer = setTimeout(() => settle({ ok: false, code: "timeout" }), timeoutMs);
      this.#pending.set(id, settle);
      // A failed send closes the connection, which settles the call.
      socket.send(text, () => {});
    });
  }
}
