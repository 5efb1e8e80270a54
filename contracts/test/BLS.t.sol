// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BLS} from "../src/libraries/BLS.sol";
import {TestBase} from "./TestBase.sol";

contract BLSHarness {
    function verify(bytes memory tag, bytes memory message, bytes memory publicKey, bytes memory signature)
        external
        view
        returns (bool)
    {
        return BLS.verify(
            tag, message, abi.decode(publicKey, (bytes32[4])), abi.decode(signature, (bytes32[8]))
        );
    }

    function hashToG2(bytes memory tag, bytes memory message) external view returns (bytes32[8] memory) {
        return BLS.hashToG2(tag, message);
    }

    function addG1(bytes memory left, bytes memory right) external view returns (bytes32[4] memory) {
        return BLS.addG1(abi.decode(left, (bytes32[4])), abi.decode(right, (bytes32[4])));
    }
}

contract BLSTest is TestBase {
    BLSHarness private harness = new BLSHarness();
    bytes private constant SIGNATURE_TAG = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_";
    /// @dev With x = 4 a point of the curve, which G1ADD accepts, outside the subgroup
    bytes private constant Y_OF_4 =
        hex"000000000000000000000000000000000a989badd40d6212b33cffc3f3763e9bc760f988c9926b26da9dd85e928483446346b8ed00e1de5d5ea93e354abe706c";

    function test_hashesToG2AsRfc9380AppendixJ10() external view {
        string memory json = vm.readFile("../test/vectors/rfc9380/BLS12381G2_XMD_SHA-256_SSWU_RO_.json");
        bytes memory tag = bytes(vm.parseJsonString(json, "$.dst"));
        uint256 count = 0;
        for (; vm.keyExistsJson(json, jsonPath("$.vectors", count, "")); count++) {
            bytes memory message = bytes(vm.parseJsonString(json, jsonPath("$.vectors", count, ".msg")));
            bytes memory x = _element(vm.parseJsonString(json, jsonPath("$.vectors", count, ".P.x")));
            bytes memory y = _element(vm.parseJsonString(json, jsonPath("$.vectors", count, ".P.y")));
            assertEq(abi.encodePacked(harness.hashToG2(tag, message)), bytes.concat(x, y));
        }
        assertEq(count, 5);
    }

    function test_acceptsTheVectorsProofsAndSignatures() external view {
        string memory json = vm.readFile("../test/vectors/mach/keys.json");
        uint256 count = 0;
        for (; vm.keyExistsJson(json, jsonPath("$", count, "")); count++) {
            bytes memory key = vm.parseJsonBytes(json, jsonPath("$", count, ".publicKeyEip2537"));
            bytes32 secret = vm.parseJsonBytes32(json, jsonPath("$", count, ".secretKey"));
            assertEq(publicKeyOf(uint256(secret)), key);

            bytes32 digest = keyRegistrationDigest(
                vm.parseJsonUint(json, jsonPath("$", count, ".domain.chainId")),
                vm.parseJsonAddress(json, jsonPath("$", count, ".domain.verifyingContract")),
                vm.parseJsonAddress(json, jsonPath("$", count, ".operator")),
                key,
                vm.parseJsonUint(json, jsonPath("$", count, ".keyRegistration.nonce"))
            );
            assertEq(digest, vm.parseJsonBytes32(json, jsonPath("$", count, ".keyRegistration.digest")));
            bytes memory proof = vm.parseJsonBytes(json, jsonPath("$", count, ".keyRegistration.proofEip2537"));
            bytes memory message = abi.encodePacked(digest);
            assertTrue(harness.verify(BLS.PROOF_OF_POSSESSION_TAG, message, key, proof));
            assertTrue(!harness.verify(SIGNATURE_TAG, message, key, proof));

            message = abi.encodePacked(vm.parseJsonBytes32(json, jsonPath("$", count, ".claimDigest")));
            bytes memory signature = vm.parseJsonBytes(json, jsonPath("$", count, ".signatureEip2537"));
            assertTrue(harness.verify(SIGNATURE_TAG, message, key, signature));
            assertTrue(!harness.verify(BLS.PROOF_OF_POSSESSION_TAG, message, key, signature));
        }
        assertEq(count, 5);
    }

    function test_refusesInfinityAsKeyAndAsSignature() external view {
        bytes memory message = abi.encodePacked(bytes32(uint256(1)));
        bytes memory signature = sign(7, SIGNATURE_TAG, bytes32(uint256(1)));
        assertTrue(harness.verify(SIGNATURE_TAG, message, publicKeyOf(7), signature));
        assertTrue(!harness.verify(SIGNATURE_TAG, message, new bytes(128), new bytes(256)));
        assertTrue(!harness.verify(SIGNATURE_TAG, message, publicKeyOf(7), new bytes(256)));
        assertTrue(!harness.verify(SIGNATURE_TAG, message, new bytes(128), signature));
    }

    function test_revertsOnPointsOffTheCurveAndOutsideTheSubgroup() external {
        bytes memory signature = sign(7, SIGNATURE_TAG, bytes32(uint256(1)));
        bytes memory message = abi.encodePacked(bytes32(uint256(1)));
        bytes memory outsideSubgroup = bytes.concat(new bytes(63), hex"04", Y_OF_4);
        harness.addG1(outsideSubgroup, new bytes(128));
        vm.expectRevert(abi.encodeWithSelector(BLS.PrecompileFailed.selector, address(0x0f)));
        harness.verify(SIGNATURE_TAG, message, outsideSubgroup, signature);

        bytes memory offCurve = publicKeyOf(7);
        offCurve[127] ^= 0x01;
        vm.expectRevert(abi.encodeWithSelector(BLS.PrecompileFailed.selector, address(0x0b)));
        harness.addG1(offCurve, G1_GENERATOR);
    }

    function test_addsKeys(uint128 left, uint128 right) external view {
        bytes memory sum = abi.encodePacked(harness.addG1(publicKeyOf(left), publicKeyOf(right)));
        assertEq(sum, publicKeyOf(uint256(left) + right));
    }

    function test_aKeyAndItsNegativeSumToInfinity() external view {
        bytes memory sum = abi.encodePacked(harness.addG1(publicKeyOf(5), publicKeyOf(CURVE_ORDER - 5)));
        assertEq(sum, new bytes(128));
    }

    function test_refusesATagBeyond255Bytes() external {
        harness.hashToG2(new bytes(255), "");
        vm.expectRevert(abi.encodeWithSelector(BLS.DomainSeparationTagTooLong.selector));
        harness.hashToG2(new bytes(256), "");
    }

    /// @dev "0xC0,0xC1" of 48 bytes each, as the two padded elements of EIP-2537
    function _element(string memory pair) private pure returns (bytes memory) {
        bytes memory text = bytes(pair);
        assertEq(text.length, 197);
        return bytes.concat(new bytes(16), _hex(text, 2), new bytes(16), _hex(text, 101));
    }

    function _hex(bytes memory text, uint256 from) private pure returns (bytes memory decoded) {
        decoded = new bytes(48);
        for (uint256 i = 0; i < 48; i++) {
            decoded[i] = bytes1(_nibble(text[from + 2 * i]) * 16 + _nibble(text[from + 2 * i + 1]));
        }
    }

    function _nibble(bytes1 character) private pure returns (uint8) {
        uint8 code = uint8(character);
        return code < 58 ? code - 48 : code - 87;
    }
}
