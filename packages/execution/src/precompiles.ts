import {
  type CustomPrecompile,
  EVMError,
  type ExecResult,
  getActivePrecompiles,
  type PrecompileFunc,
  type PrecompileInput,
} from "@ethereumjs/evm";
import { type Address, createAddressFromString } from "@ethereumjs/util";
import { p256 } from "@noble/curves/nist.js";
import { type ActiveRules, isFrom, type OpFork } from "./rules.ts";

const P256_GAS = 3450n;
const NOTHING = new Uint8Array();

/** The most input that a precompile takes, in bytes, from a fork of the OP Stack on. */
const INPUT_LIMITS: readonly {
  readonly from: OpFork;
  readonly address: number;
  readonly bytes: number;
}[] = [
  { from: "granite", address: 0x08, bytes: 112_687 },
  { from: "isthmus", address: 0x0c, bytes: 513_760 },
  { from: "isthmus", address: 0x0e, bytes: 488_448 },
  { from: "isthmus", address: 0x0f, bytes: 235_008 },
];

/** Where the OP Stack's precompiles differ from Ethereum's: RIP-7212 and limits of input. */
export function precompilesOf({ common, opFork }: ActiveRules): CustomPrecompile[] {
  if (opFork === null) return [];
  const ethereum = getActivePrecompiles(common);
  const custom: CustomPrecompile[] = [];
  for (const { from, address, bytes } of INPUT_LIMITS) {
    const precompile = ethereum.get(addressOf(address).toString().slice(2));
    if (!isFrom(opFork, from) || precompile === undefined) continue;
    custom.push({ address: addressOf(address), function: limited(precompile, bytes) });
  }
  if (isFrom(opFork, "fjord")) custom.push({ address: addressOf(0x100), function: verifyP256 });
  return custom;
}

function limited(precompile: PrecompileFunc, bytes: number): PrecompileFunc {
  return (input) => (input.data.length > bytes ? outOfGas(input) : precompile(input));
}

/** RIP-7212: one as a word for a signature that is right, nothing for any other input. */
function verifyP256(input: PrecompileInput): ExecResult {
  if (input.gasLimit < P256_GAS) return outOfGas(input);
  const isRight = input.data.length === 160 && isSignature(input.data);
  const returnValue = isRight ? Uint8Array.of(...new Uint8Array(31), 1) : NOTHING;
  return { executionGasUsed: P256_GAS, returnValue };
}

function isSignature(data: Uint8Array): boolean {
  const key = Uint8Array.of(4, ...data.subarray(96, 160));
  const options = { prehash: false, lowS: false };
  try {
    return p256.verify(data.subarray(32, 96), data.subarray(0, 32), key, options);
  } catch {
    // A point that is not on the curve, or r or s out of range: not a signature.
    return false;
  }
}

function outOfGas({ gasLimit }: PrecompileInput): ExecResult {
  return {
    executionGasUsed: gasLimit,
    returnValue: NOTHING,
    exceptionError: new EVMError(EVMError.errorMessages.OUT_OF_GAS),
  };
}

function addressOf(value: number): Address {
  return createAddressFromString(`0x${value.toString(16).padStart(40, "0")}`);
}
