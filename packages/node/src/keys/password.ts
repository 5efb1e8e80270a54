/** Control codes: C0, delete and C1. */
const CONTROL_CODES = /\p{Cc}/gu;
const MIN_CHARACTERS = 8;

/** A keystore's password as its key derivation takes it (EIP-2335, "Password requirements"). */
export function encodePassword(password: string): Uint8Array {
  return Buffer.from(normalized(password), "utf8");
}

/** What is wrong with the password of a new file, or null. */
export function weaknessOf(password: string): string | null {
  const characters = [...normalized(password)].length;
  return characters < MIN_CHARACTERS ? `has fewer than ${MIN_CHARACTERS} characters` : null;
}

function normalized(password: string): string {
  return password.normalize("NFKD").replace(CONTROL_CODES, "");
}
