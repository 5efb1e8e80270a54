import { addressWord, keccak256, keccak256Text, uintWord } from "./abi-words.ts";
import { type Domain, typedDataDigest } from "./domain.ts";
import { concatHex, type Hex } from "./hex.ts";

/** What a proof of possession signs, under the POP ciphersuite. */
export interface KeyRegistration {
  readonly operator: Hex;
  /** The key as the 128-byte G1 point of EIP-2537. */
  readonly publicKeyPoint: Hex;
  /** How many keys the operator has registered before. */
  readonly nonce: bigint;
}

const KEY_REGISTRATION_TYPEHASH = keccak256Text(
  "KeyRegistration(address operator,bytes32 publicKeyHash,uint256 nonce)",
);

/** The 32-byte digest of a proof of possession. */
export function keyRegistrationDigest(domain: Domain, registration: KeyRegistration): Hex {
  return typedDataDigest(
    domain,
    keccak256(
      concatHex(
        KEY_REGISTRATION_TYPEHASH,
        addressWord(registration.operator),
        keccak256(registration.publicKeyPoint),
        uintWord(registration.nonce),
      ),
    ),
  );
}
