import { addressWord, keccak256, keccak256Text, uintWord } from "./abi-words.ts";
import { concatHex, type Hex } from "./hex.ts";

/** The network that a message is signed for: the L1's chain id and the registry on it. */
export interface Domain {
  readonly chainId: bigint;
  readonly verifyingContract: Hex;
}

const DOMAIN_TYPEHASH = keccak256Text(
  "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
);
const NAME_HASH = keccak256Text("MACH");
const VERSION_HASH = keccak256Text("1");

/** A node hashes for one domain over and over: each object's separator is kept with it. */
const separators = new WeakMap<Domain, Hex>();

/** The EIP-712 domain separator (EIP-712, definition of domainSeparator). */
export function domainSeparator(domain: Domain): Hex {
  const known = separators.get(domain);
  if (known !== undefined) return known;
  const separator = computeSeparator(domain);
  separators.set(domain, separator);
  return separator;
}

function computeSeparator(domain: Domain): Hex {
  return keccak256(
    concatHex(
      DOMAIN_TYPEHASH,
      NAME_HASH,
      VERSION_HASH,
      uintWord(domain.chainId),
      addressWord(domain.verifyingContract),
    ),
  );
}

/** keccak256(0x1901 || domainSeparator || structHash): the 32 bytes that a BLS key signs. */
export function typedDataDigest(domain: Domain, structHash: Hex): Hex {
  return keccak256(concatHex("0x1901", domainSeparator(domain), structHash));
}

/** Whether two domains are the same network. */
export function isSameDomain(left: Domain, right: Domain): boolean {
  return left.chainId === right.chainId && left.verifyingContract === right.verifyingContract;
}
