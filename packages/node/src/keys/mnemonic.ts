import { randomBytes } from "node:crypto";
import { fromHex, isHex } from "@mach/core";
import { Mnemonic } from "ethers";

/** 24 words. */
const ENTROPY_BYTES = 32;

/** A new mnemonic of 24 English words (BIP-39). */
export function createMnemonic(): string {
  return Mnemonic.fromEntropy(randomBytes(ENTROPY_BYTES)).phrase;
}

/** The 64-byte seed of an English mnemonic without a passphrase (BIP-39); null for what is none. */
export function seedOfMnemonic(words: string): Uint8Array | null {
  const phrase = words.normalize("NFKD").trim().toLowerCase().split(/\s+/).join(" ");
  if (!Mnemonic.isValidMnemonic(phrase)) return null;
  const seed = Mnemonic.fromPhrase(phrase).computeSeed();
  return isHex(seed, 64) ? fromHex(seed) : null;
}
