import { type Hex, isHex } from "@mach/core";
import { isError } from "ethers";

/** Whether a call failed because the contract refused it, or has no such function. */
export function isNoAnswer(error: unknown): boolean {
  return isError(error, "CALL_EXCEPTION") || isError(error, "BAD_DATA");
}

/** The items of what ethers decoded as a list. Throws a RangeError for what is none. */
export function toArray(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new RangeError("not a list");
  // A copy made by index: ethers puts a decoding error on the element, to be thrown on access.
  return Array.from({ length: value.length }, (_, index): unknown => value[index]);
}

/** An integer of any width. Throws a RangeError for what is none. */
export function toBigInt(value: unknown): bigint {
  if (typeof value !== "bigint") throw new RangeError("not an integer");
  return value;
}

/** An address, lower-case. Throws a RangeError for what is none. */
export function toAddress(value: unknown): Hex {
  return toHexOf(value, 20);
}

/** So many bytes, lower-case. Throws a RangeError for what they are not. */
export function toHexOf(value: unknown, bytes: number): Hex {
  const lower = typeof value === "string" ? value.toLowerCase() : "";
  if (!isHex(lower, bytes)) throw new RangeError(`not ${bytes} bytes`);
  return lower;
}
