// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title BLS12-381 with keys in G1 and signatures in G2, on the precompiles of EIP-2537
/// @dev Points are encoded as in EIP-2537: each field element in 64 bytes, so a G1 point is 4 words
/// and a G2 point 8, and infinity is all zeros. A precompile that fails burns all the gas that it was
/// given: encodings are checked first, and no call is given more than half of what is left. There is
/// no constant cap, because prices change.
library BLS {
    /// @notice An input is no valid point, or the gas did not suffice
    error PrecompileFailed(address precompile);
    /// @notice RFC 9380 section 5.3.3 asks for another construction beyond 255 bytes
    error DomainSeparationTagTooLong();

    /// @dev Proofs of possession sign under this tag (draft-irtf-cfrg-bls-signature, section 4.2.3)
    bytes internal constant PROOF_OF_POSSESSION_TAG = "BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";

    /// @dev Attestations, certificates and set updates sign under this tag
    bytes internal constant SIGNATURE_TAG = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";

    address private constant G1ADD = address(0x0b);
    address private constant G2ADD = address(0x0d);
    address private constant PAIRING_CHECK = address(0x0f);

    // The field's modulus, and the negated generator of G1.
    bytes32 private constant P_HIGH = 0x000000000000000000000000000000001a0111ea397fe69a4b1ba7b6434bacd7;
    bytes32 private constant P_LOW = 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab;
    bytes32 private constant G1_X_HIGH = 0x0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0f;
    bytes32 private constant G1_X_LOW = 0xc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb;
    bytes32 private constant G1_NEG_Y_HIGH = 0x00000000000000000000000000000000114d1d6855d545a8aa7d76c8cf2e21f2;
    bytes32 private constant G1_NEG_Y_LOW = 0x67816aef1db507c96655b9d5caac42364e6f38ba0ecb751bad54dcd6b939c2ca;

    /// @notice Whether `signature` signs `message` under `publicKey` and this domain separation tag.
    /// @dev Reverts on points that are off the curve or outside the subgroup, which the pairing's
    /// precompile checks. False for infinity, as a key or as a signature.
    function verify(
        bytes memory tag,
        bytes memory message,
        bytes32[4] memory publicKey,
        bytes32[8] memory signature
    ) internal view returns (bool isSigned) {
        bytes32[24] memory input;
        assembly ("memory-safe") {
            mcopy(input, publicKey, 0x80)
            mcopy(add(input, 0x200), signature, 0x100)
        }
        bool isAnswered;
        (isAnswered, isSigned) = tryVerify(tag, message, input);
        if (!isAnswered) revert PrecompileFailed(PAIRING_CHECK);
    }

    /// @notice As `verify`, on the pairing's own input: the key is in words 0 to 3 and the signature in
    /// words 16 to 23; the others are written here.
    /// @dev Does not revert on points that are off the curve or outside the subgroup: `isAnswered` is
    /// false for them, and the gas given to the pairing is burnt. Short of gas a good signature is not
    /// answered either: nothing may follow from a "no".
    function tryVerify(bytes memory tag, bytes memory message, bytes32[24] memory input)
        internal
        view
        returns (bool isAnswered, bool isSigned)
    {
        bytes32 key = input[0] | input[1] | input[2] | input[3];
        bytes32 signature = input[16] | input[17] | input[18] | input[19];
        signature |= input[20] | input[21] | input[22] | input[23];
        if (key == 0 || signature == 0) return (true, false);
        uint256 start;
        assembly ("memory-safe") {
            start := input
        }
        _hashToG2(tag, message, start + 0x80);
        (input[12], input[13], input[14], input[15]) = (G1_X_HIGH, G1_X_LOW, G1_NEG_Y_HIGH, G1_NEG_Y_LOW);
        isAnswered = _tryCall(PAIRING_CHECK, start, 0x300, start, 0x20);
        isSigned = isAnswered && input[0] == bytes32(uint256(1));
    }

    /// @notice Whether one key signed two different messages: e(key, H(m1) + H(m2)) e(-g1, s1 + s2) = 1.
    /// @dev Says that the key signed both, not that each signature is good alone: what one has too
    /// much the other may lack. A "no" proves nothing, as in `tryVerify`.
    function tryVerifyBoth(
        bytes memory tag,
        bytes32[2] memory messages,
        bytes32[4] calldata publicKey,
        bytes32[8] calldata first,
        bytes32[8] calldata second
    ) internal view returns (bool) {
        bytes32[24] memory input;
        bytes32[16] memory summands;
        uint256 start;
        uint256 pair;
        assembly ("memory-safe") {
            start := input
            pair := summands
            calldatacopy(start, publicKey, 0x80)
            calldatacopy(pair, first, 0x100)
            calldatacopy(add(pair, 0x100), second, 0x100)
        }
        if (!_tryCall(G2ADD, pair, 0x200, start + 0x200, 0x100)) return false;
        _hashToG2(tag, abi.encodePacked(messages[0]), pair);
        _hashToG2(tag, abi.encodePacked(messages[1]), pair + 0x100);
        _call(G2ADD, pair, 0x200, start + 0x80, 0x100);
        return _tryPair(input);
    }

    /// @notice The sum of two G1 points. Checks that they are on the curve, not the subgroup.
    function addG1(bytes32[4] memory left, bytes32[4] memory right)
        internal
        view
        returns (bytes32[4] memory sum)
    {
        bytes32[8] memory input;
        uint256 start;
        uint256 end;
        assembly ("memory-safe") {
            start := input
            end := sum
            mcopy(start, left, 0x80)
            mcopy(add(start, 0x80), right, 0x80)
        }
        _call(G1ADD, start, 0x100, end, 0x80);
    }

    /// @notice Starts a sum of G1 points in words 0 to 3 of a pairing's input
    function startSum(bytes32[24] memory input, bytes32[4] calldata point) internal pure {
        assembly ("memory-safe") {
            calldatacopy(input, point, 0x80)
        }
    }

    /// @notice Adds a G1 point to the sum, by way of the words behind it
    function accumulate(bytes32[24] memory input, bytes32[4] calldata point) internal view {
        uint256 start;
        assembly ("memory-safe") {
            start := input
            calldatacopy(add(start, 0x80), point, 0x80)
        }
        _call(G1ADD, start, 0x100, start, 0x80);
    }

    /// @notice Makes the sum its negative; infinity is its own.
    function negate(bytes32[24] memory input) internal pure {
        if (input[0] | input[1] | input[2] | input[3] == 0) return;
        (uint256 high, uint256 low) = (uint256(input[2]), uint256(input[3]));
        unchecked {
            input[2] = bytes32(uint256(P_HIGH) - high - (low > uint256(P_LOW) ? 1 : 0));
            input[3] = bytes32(uint256(P_LOW) - low);
        }
    }

    /// @notice Hashes a message to G2: BLS12381G2_XMD:SHA-256_SSWU_RO_ of RFC 9380 section 8.8.2
    function hashToG2(bytes memory tag, bytes memory message)
        internal
        view
        returns (bytes32[8] memory point)
    {
        uint256 output;
        assembly ("memory-safe") {
            output := point
        }
        _hashToG2(tag, message, output);
    }

    /// @notice Whether 128 bytes are two field elements, each in its only encoding.
    function isCanonical(bytes32[4] memory point) internal pure returns (bool) {
        return _isFieldElement(point[0], point[1]) && _isFieldElement(point[2], point[3]);
    }

    /// @notice Whether 256 bytes are four field elements, each in its only encoding.
    function isCanonical(bytes32[8] memory point) internal pure returns (bool) {
        return _isFieldElement(point[0], point[1]) && _isFieldElement(point[2], point[3])
            && _isFieldElement(point[4], point[5]) && _isFieldElement(point[6], point[7]);
    }

    /// @notice Whether a G1 point is infinity.
    function isInfinity(bytes32[4] memory point) internal pure returns (bool) {
        return point[0] | point[1] | point[2] | point[3] == 0;
    }

    /// @dev Two pairs of which words 12 to 15 are written here. False for infinity as the key or as the
    /// signature.
    function _tryPair(bytes32[24] memory input) private view returns (bool) {
        bytes32 key = input[0] | input[1] | input[2] | input[3];
        bytes32 signature = input[16] | input[17] | input[18] | input[19];
        signature |= input[20] | input[21] | input[22] | input[23];
        if (key == 0 || signature == 0) return false;
        (input[12], input[13], input[14], input[15]) = (G1_X_HIGH, G1_X_LOW, G1_NEG_Y_HIGH, G1_NEG_Y_LOW);
        uint256 start;
        assembly ("memory-safe") {
            start := input
        }
        return _tryCall(PAIRING_CHECK, start, 0x300, start, 0x20) && input[0] == bytes32(uint256(1));
    }

    function _isFieldElement(bytes32 high, bytes32 low) private pure returns (bool) {
        return high < P_HIGH || (high == P_HIGH && low < P_LOW);
    }

    /// @dev Writes the 256 bytes of the point to `output`. In assembly, on scratch space behind the free
    /// memory pointer, because abi.encode and its copies cost more than all the precompiles but the
    /// two maps. Every byte that a precompile reads is written first: the space may be dirty.
    function _hashToG2(bytes memory tag, bytes memory message, uint256 output) private view {
        uint256 tagLength = tag.length;
        if (tagLength > 255) revert DomainSeparationTagTooLong();
        assembly ("memory-safe") {
            function run(precompile, input, inputLength, to, outputLength) {
                let isAnswered := staticcall(div(gas(), 2), precompile, input, inputLength, to, outputLength)
                if iszero(and(isAnswered, eq(returndatasize(), outputLength))) {
                    mstore(0, 0xeb8d043a) // PrecompileFailed(address)
                    mstore(0x20, precompile)
                    revert(0x1c, 0x24)
                }
            }
            let uniform := mload(0x40)
            let points := add(uniform, 0x100)
            let power := add(uniform, 0x300)
            let chained := add(uniform, 0x400)
            let first := add(uniform, 0x420)

            // expand_message_xmd of RFC 9380 section 5.3.1 with SHA-256, to 256 bytes
            mstore(first, 0)
            mstore(add(first, 0x20), 0)
            mcopy(add(first, 0x40), add(message, 0x20), mload(message))
            let end := add(add(first, 0x40), mload(message))
            mstore(end, shl(232, 0x010000))
            mcopy(add(end, 3), add(tag, 0x20), tagLength)
            end := add(add(end, 3), tagLength)
            mstore8(end, tagLength)
            run(0x02, first, sub(add(end, 1), first), chained, 0x20)
            let start := mload(chained)
            mcopy(add(chained, 0x21), add(tag, 0x20), tagLength)
            mstore8(add(add(chained, 0x21), tagLength), tagLength)
            let previous := 0
            for { let i := 0 } lt(i, 8) { i := add(i, 1) } {
                let to := add(uniform, shl(5, i))
                mstore(chained, xor(start, previous))
                mstore8(add(chained, 0x20), add(i, 1))
                run(0x02, chained, add(tagLength, 0x22), to, 0x20)
                previous := mload(to)
            }

            // Each 64 bytes modulo the field's modulus, by an exponentiation to the power of one
            mstore(power, 64)
            mstore(add(power, 0x20), 1)
            mstore(add(power, 0x40), 64)
            mstore8(add(power, 0xa0), 1)
            mstore(add(power, 0xa1), P_HIGH)
            mstore(add(power, 0xc1), P_LOW)
            for { let each := uniform } lt(each, points) { each := add(each, 0x40) } {
                mcopy(add(power, 0x60), each, 0x40)
                run(0x05, power, 0xe1, each, 0x40)
            }

            run(0x11, uniform, 0x80, points, 0x100)
            run(0x11, add(uniform, 0x80), 0x80, add(points, 0x100), 0x100)
            run(0x0d, points, 0x200, output, 0x100)
        }
    }

    function _call(
        address precompile,
        uint256 input,
        uint256 inputLength,
        uint256 output,
        uint256 outputLength
    ) private view {
        if (!_tryCall(precompile, input, inputLength, output, outputLength)) {
            revert PrecompileFailed(precompile);
        }
    }

    function _tryCall(
        address precompile,
        uint256 input,
        uint256 inputLength,
        uint256 output,
        uint256 outputLength
    ) private view returns (bool isAnswered) {
        assembly ("memory-safe") {
            isAnswered :=
                staticcall(div(gas(), 2), precompile, input, inputLength, output, outputLength)
            isAnswered := and(isAnswered, eq(returndatasize(), outputLength))
        }
    }
}
