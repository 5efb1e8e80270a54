import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { ERRORS, ROUTES } from "@mach/api";
import { fault, faultAnswer, responseText } from "../rpc-proxy/errors.ts";
import type { ClientAddresses } from "./client-addresses.ts";
import { PUBLIC_HEADERS } from "./errors.ts";
import type { LoopDelay } from "./loop-delay.ts";
import type { RateLimit } from "./rate-limit.ts";

/** Who may be answered now. Every request is asked of first, so it costs next to nothing. */
export interface Admission {
  /** Whether the request was turned away, and is answered. */
  refuse(request: IncomingMessage, response: ServerResponse): boolean;
  /** The address that a request counts for. */
  addressOf(request: IncomingMessage): string;
  /**
   * Counts what costs more than the one that each request does; the milliseconds until the address
   * has something left again.
   */
  charge(address: string, cost: number): number;
  /** Whether everyone is turned away now. */
  isOverloaded(): boolean;
}

/** Answers are paid for by their size too: one more for each so many bytes. */
const BYTES_FOR_ONE = 65_536;
const HEALTH = ROUTES.health.path;

interface Refusal {
  readonly status: number;
  readonly text: string;
  readonly rpcText: string;
}

const TOO_MANY = refusalOf("too-many-requests", "too-many-requests");
const OVERLOADED = refusalOf("unavailable", "busy");
const OVERLOAD_SECONDS = 1;

/**
 * Turns away who asks for too much, and everyone while the event loop does not keep up: the node's
 * own work comes first. Its health is told all the same.
 */
export function createAdmission(dependencies: {
  readonly addresses: ClientAddresses;
  readonly rate: RateLimit;
  readonly loop: Pick<LoopDelay, "isLate">;
}): Admission {
  const { addresses, rate, loop } = dependencies;
  /** Connections that are closed once they are told why: what else they ask for is not answered. */
  const endings = new WeakMap<Socket, "told" | "unread">();

  /**
   * Lets no more requests pile up behind an answer that is held: node itself stops reading when so
   * much waits to be sent. This never is, because the answer before it is the connection's last.
   */
  function stopReading(socket: Socket, response: ServerResponse): void {
    endings.set(socket, "unread");
    response.end(" ".repeat(socket.writableHighWaterMark));
  }

  function turnAway(
    request: IncomingMessage,
    response: ServerResponse,
    refusal: Refusal & { readonly seconds: number; readonly isLast: boolean },
  ): void {
    const isRpc = request.url?.startsWith("/rpc/") ?? false;
    const text = isRpc ? refusal.rpcText : refusal.text;
    if (refusal.isLast) {
      response.shouldKeepAlive = false;
      endings.set(request.socket, "told");
    }
    response
      .writeHead(refusal.status, {
        ...PUBLIC_HEADERS,
        "cache-control": "no-store",
        "content-type": "application/json; charset=utf-8",
        "content-length": text.length,
        "retry-after": String(refusal.seconds),
      })
      .end(text);
  }

  return {
    refuse(request, response) {
      const { socket, method, url } = request;
      const ending = endings.get(socket);
      if (ending !== undefined) {
        if (ending === "told") stopReading(socket, response);
        return true;
      }
      const waitMs = rate.take(addresses.of(request), 1);
      if (waitMs > 0) {
        const seconds = Math.ceil(waitMs / 1_000);
        // A proxy's connection is that of other clients too.
        const isLast = method !== "GET" || addresses.ofConnection(socket) !== null;
        turnAway(request, response, { ...TOO_MANY, seconds, isLast });
        return true;
      }
      if (!loop.isLate() || url === HEALTH) return false;
      const isLast = method !== "GET";
      turnAway(request, response, { ...OVERLOADED, seconds: OVERLOAD_SECONDS, isLast });
      return true;
    },
    addressOf: (request) => addresses.of(request),
    charge: (address, cost) => rate.charge(address, cost),
    isOverloaded: () => loop.isLate(),
  };
}

/** What an answer of so many bytes costs beyond its request. */
export function costOfBytes(bytes: number): number {
  return Math.floor(bytes / BYTES_FOR_ONE);
}

/**
 * Pays for an answer of so many bytes; false where it is not to be sent: a large one that would wait
 * behind another one on its connection, where nobody counts what waits.
 */
export function payForBytes(
  admission: Pick<Admission, "addressOf" | "charge">,
  {
    request,
    response,
    bytes,
  }: {
    readonly request: IncomingMessage;
    readonly response: ServerResponse;
    readonly bytes: number;
  },
): boolean {
  const cost = costOfBytes(bytes);
  if (cost === 0) return true;
  admission.charge(admission.addressOf(request), cost);
  return response.socket !== null;
}

function refusalOf(
  code: "too-many-requests" | "unavailable",
  rpc: "too-many-requests" | "busy",
): Refusal {
  const { status, meaning } = ERRORS[code];
  const text = JSON.stringify({ code, message: meaning });
  return { status, text, rpcText: responseText("null", faultAnswer(fault(rpc))) };
}
