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

    address private constant MODEXP = address(0x05);
    address private constant G1ADD = address(0x0b);
    address private constant G2ADD = address(0x0d);
    address private constant PAIRING_CHECK = address(0x0f);
    address private constant MAP_FP2_TO_G2 = address(0x11);

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
    ) internal view returns (bool) {
        if (isInfinity(publicKey) || isInfinity(signature)) return false;
        bytes32[8] memory hashed = hashToG2(tag, message);
        bytes memory input = abi.encodePacked(
            publicKey, hashed, G1_X_HIGH, G1_X_LOW, G1_NEG_Y_HIGH, G1_NEG_Y_LOW, signature
        );
        return abi.decode(_call(PAIRING_CHECK, input, 32), (bool));
    }

    /// @notice The sum of two G1 points. Checks that they are on the curve, not the subgroup.
    function addG1(bytes32[4] memory left, bytes32[4] memory right)
        internal
        view
        returns (bytes32[4] memory)
    {
        return abi.decode(_call(G1ADD, abi.encodePacked(left, right), 128), (bytes32[4]));
    }

    /// @notice Hashes a message to G2: BLS12381G2_XMD:SHA-256_SSWU_RO_ of RFC 9380 section 8.8.2
    function hashToG2(bytes memory tag, bytes memory message)
        internal
        view
        returns (bytes32[8] memory)
    {
        bytes32[8] memory uniform = expandMessage(tag, message);
        bytes memory points = abi.encodePacked(
            _mapToG2(uniform[0], uniform[1], uniform[2], uniform[3]),
            _mapToG2(uniform[4], uniform[5], uniform[6], uniform[7])
        );
        return abi.decode(_call(G2ADD, points, 256), (bytes32[8]));
    }

    /// @notice expand_message_xmd of RFC 9380 section 5.3.1 with SHA-256, to 256 bytes
    function expandMessage(bytes memory tag, bytes memory message)
        internal
        pure
        returns (bytes32[8] memory uniform)
    {
        if (tag.length > 255) revert DomainSeparationTagTooLong();
        bytes memory tagPrime = abi.encodePacked(tag, uint8(tag.length));
        bytes32 first = sha256(abi.encodePacked(bytes32(0), bytes32(0), message, uint16(256), uint8(0), tagPrime));
        bytes32 block_ = 0;
        for (uint8 i = 0; i < 8; i++) {
            block_ = sha256(abi.encodePacked(first ^ block_, i + 1, tagPrime));
            uniform[i] = block_;
        }
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

    /// @notice Whether a G2 point is infinity.
    function isInfinity(bytes32[8] memory point) internal pure returns (bool) {
        bytes32 low = point[0] | point[1] | point[2] | point[3];
        return low | point[4] | point[5] | point[6] | point[7] == 0;
    }

    function _isFieldElement(bytes32 high, bytes32 low) private pure returns (bool) {
        return high < P_HIGH || (high == P_HIGH && low < P_LOW);
    }

    function _mapToG2(bytes32 high0, bytes32 low0, bytes32 high1, bytes32 low1)
        private
        view
        returns (bytes memory)
    {
        return _call(MAP_FP2_TO_G2, abi.encodePacked(_reduce(high0, low0), _reduce(high1, low1)), 256);
    }

    /// @dev 64 bytes modulo the field's modulus, by an exponentiation to the power of one
    function _reduce(bytes32 high, bytes32 low) private view returns (bytes memory) {
        bytes memory lengths = abi.encodePacked(uint256(64), uint256(1), uint256(64));
        return _call(MODEXP, abi.encodePacked(lengths, high, low, uint8(1), P_HIGH, P_LOW), 64);
    }

    function _call(address precompile, bytes memory input, uint256 outputLength)
        private
        view
        returns (bytes memory output)
    {
        output = new bytes(outputLength);
        bool isAnswered;
        assembly ("memory-safe") {
            isAnswered :=
                staticcall(
                    div(gas(), 2), precompile, add(input, 0x20), mload(input), add(output, 0x20), outputLength
                )
            isAnswered := and(isAnswered, eq(returndatasize(), outputLength))
        }
        if (!isAnswered) revert PrecompileFailed(precompile);
    }
}
