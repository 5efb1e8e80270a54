import { hash } from "node:crypto";
import { CACHE_CLASSES, type CacheClass } from "@mach/api";

/** A text to be sent, with its validator. */
export interface Body {
  readonly text: string;
  readonly byteLength: number;
  /** Text of ASCII alone goes out with its head in one write, without being encoded first. */
  readonly encoding: "latin1" | "utf8";
  /** A strong validator: it stands for exactly these bytes (RFC 9110, section 8.8.3). */
  readonly etag: string;
}

/** A successful answer, ready to be sent. */
export interface Answer {
  readonly body: Body;
  readonly cacheControl: string;
  readonly contentType: string;
}

/** A text as a body. */
export function toBody(text: string): Body {
  const byteLength = Buffer.byteLength(text);
  const encoding = byteLength === text.length ? "latin1" : "utf8";
  return { text, byteLength, encoding, etag: `"${hash("sha1", text, "base64url")}"` };
}

/** A document as a body. */
export function toJsonBody(document: object): Body {
  return toBody(JSON.stringify(document));
}

/** A body of JSON as an answer. */
export function jsonAnswer(body: Body, cache: CacheClass): Answer {
  const cacheControl = CACHE_CLASSES[cache].header;
  return { body, cacheControl, contentType: "application/json; charset=utf-8" };
}

/** Whether If-None-Match names this tag (RFC 9110, section 13.1.2: the weak comparison). */
export function isNotModified(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch === etag || ifNoneMatch === "*") return true;
  return ifNoneMatch.split(",").some((each) => each.trim().replace(/^W\//, "") === etag);
}
