import { fromHex, type Hex, toHex } from "@mach/core";

const P =
  0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaabn;

/**
 * The 256 bytes of EIP-2537 for a compressed signature, checked for nothing: infinity, points
 * outside the subgroup, and (x, 1) where x is on no point of the curve.
 */
export function rawSignaturePoint(signature: Hex): Hex {
  const bytes = fromHex(signature);
  const flags = bytes[0] ?? 0;
  if ((flags & 0x40) !== 0) return `0x${"00".repeat(256)}`;
  bytes[0] = flags & 0x1f;
  const x1 = BigInt(toHex(bytes.subarray(0, 48)));
  const x0 = BigInt(toHex(bytes.subarray(48)));
  const root = rootOfCurve(x0, x1);
  if (root === null) return encodeElements([x0, x1, 1n, 0n]);
  const [y0, y1] = root;
  const isGreater = (y1 === 0n ? y0 : y1) > P / 2n;
  const wantsGreater = (flags & 0x20) !== 0;
  if (isGreater === wantsGreater) return encodeElements([x0, x1, y0, y1]);
  return encodeElements([x0, x1, modulo(-y0), modulo(-y1)]);
}

/** A square root of x^3 + 4 (1 + i) in Fp2 by the complex method, or null. */
function rootOfCurve(x0: bigint, x1: bigint): readonly [bigint, bigint] | null {
  const a = modulo(x0 ** 3n - 3n * x0 * x1 * x1 + 4n);
  const b = modulo(3n * x0 * x0 * x1 - x1 ** 3n + 4n);
  const norm = root(modulo(a * a + b * b));
  if (norm === null) return null;
  const half = (P + 1n) / 2n;
  const y0 = root(modulo((a + norm) * half)) ?? root(modulo((a - norm) * half));
  if (y0 === null || y0 === 0n) return null;
  return [y0, modulo(b * power(2n * y0, P - 2n))];
}

function root(value: bigint): bigint | null {
  const candidate = power(value, (P + 1n) / 4n);
  return modulo(candidate * candidate) === value ? candidate : null;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = modulo(base);
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = modulo(result * square);
    square = modulo(square * square);
  }
  return result;
}

function modulo(value: bigint): bigint {
  return ((value % P) + P) % P;
}

function encodeElements(elements: readonly bigint[]): Hex {
  return `0x${elements.map((each) => each.toString(16).padStart(128, "0")).join("")}`;
}
