import type { SourceFailureCode } from "./agreement.ts";

/** What is known of a source, fit for showing: its URL may hold a key and is left out. */
export interface SourceDescription {
  readonly host: string;
  readonly transport: "http" | "websocket";
  /** `faulty` is connected and asked, but its last word on a block was wrong. */
  readonly status: "starting" | "ready" | "faulty" | "down";
  /** Why it is faulty or down. */
  readonly code: SourceFailureCode | null;
  /** Wall clock in milliseconds when it came to this status and code. */
  readonly sinceMs: number;
  readonly headBlockNumber: bigint | null;
  /** The finalized head that it tells of, and why it tells of none; both null until it is asked. */
  readonly finalizedBlockNumber: bigint | null;
  readonly finalizedCode: SourceFailureCode | null;
  /** How many blocks its head is behind those that were accepted; null while either is unknown. */
  readonly lagBlocks: bigint | null;
  /** How many blocks it gave that were agreed, and how many times it failed or was wrong. */
  readonly agreed: number;
  readonly failed: number;
}
