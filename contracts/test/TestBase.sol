// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BLS} from "../src/libraries/BLS.sol";

/// @dev The cheatcodes that these tests use
interface Vm {
    function warp(uint256 timestamp) external;
    function roll(uint256 blockNumber) external;
    function load(address account, bytes32 slot) external view returns (bytes32);
    function getBlockTimestamp() external view returns (uint256);
    function chainId(uint256 id) external;
    function etch(address target, bytes calldata code) external;
    function cool(address target) external;
    function prank(address caller) external;
    function assume(bool condition) external;
    function expectRevert(bytes calldata data) external;
    function expectRevert() external;
    function expectEmit(address emitter) external;
    function recordLogs() external;
    function getRecordedLogs() external returns (Log[] memory);
    function snapshotState() external returns (uint256);
    function revertToState(uint256 id) external returns (bool);
    function toString(uint256 value) external pure returns (string memory);
    function readFile(string calldata path) external view returns (string memory);
    function keyExistsJson(string calldata json, string calldata key) external view returns (bool);
    function parseJsonUint(string calldata json, string calldata key) external pure returns (uint256);
    function parseJsonAddress(string calldata json, string calldata key) external pure returns (address);
    function parseJsonString(string calldata json, string calldata key) external pure returns (string memory);
    function parseJsonBytes(string calldata json, string calldata key) external pure returns (bytes memory);
    function parseJsonBytes32(string calldata json, string calldata key) external pure returns (bytes32);

    function contains(string calldata text, string calldata part) external pure returns (bool);
    function lastCallGas() external view returns (Gas memory);
    function snapshotValue(string calldata group, string calldata name, uint256 value) external;

    /// @dev Of one call's frame: what the caller pays for memory and the call itself is not in it
    struct Gas {
        uint64 gasLimit;
        uint64 gasTotalUsed;
        uint64 gasMemoryUsed;
        int64 gasRefunded;
        uint64 gasRemaining;
    }

    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }
}

/// @dev Assertions, and BLS signing on the precompiles: only contracts under test use the library's
/// verification, so that both sides of a check are not the same code.
abstract contract TestBase {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint256 internal constant CURVE_ORDER =
        0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;
    bytes internal constant G1_GENERATOR =
        hex"0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
        hex"0000000000000000000000000000000008b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1";

    function assertEq(uint256 actual, uint256 expected) internal pure {
        assertEq(bytes32(actual), bytes32(expected));
    }

    function assertEq(address actual, address expected) internal pure {
        assertEq(bytes32(uint256(uint160(actual))), bytes32(uint256(uint160(expected))));
    }

    function assertEq(bytes memory actual, bytes memory expected) internal pure {
        assertEq(keccak256(actual), keccak256(expected));
    }

    function assertEq(bytes32 actual, bytes32 expected) internal pure {
        if (actual != expected) revert NotEqual(actual, expected);
    }

    function assertTrue(bool condition) internal pure {
        if (!condition) revert NotTrue();
    }

    error NotEqual(bytes32 actual, bytes32 expected);
    error NotTrue();

    function publicKeyOf(uint256 secret) internal view returns (bytes memory) {
        return precompile(0x0c, bytes.concat(G1_GENERATOR, bytes32(secret)));
    }

    function sign(uint256 secret, bytes memory tag, bytes32 digest) internal view returns (bytes memory) {
        bytes memory hashed = abi.encodePacked(BLS.hashToG2(tag, abi.encodePacked(digest)));
        return precompile(0x0e, bytes.concat(hashed, bytes32(secret)));
    }

    function keyRegistrationDigest(
        uint256 chainId,
        address registry,
        address operator,
        bytes memory publicKey,
        uint256 nonce
    ) internal pure returns (bytes32) {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("KeyRegistration(address operator,bytes32 publicKeyHash,uint256 nonce)"),
                operator,
                keccak256(publicKey),
                nonce
            )
        );
        return typedDataDigest(chainId, registry, structHash);
    }

    function typedDataDigest(uint256 chainId, address registry, bytes32 structHash)
        internal
        pure
        returns (bytes32)
    {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256("MACH"),
                keccak256("1"),
                chainId,
                registry
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    function precompile(uint160 number, bytes memory input) internal view returns (bytes memory) {
        (bool isAnswered, bytes memory output) = address(number).staticcall(input);
        assertTrue(isAnswered);
        return output;
    }

    function toKey(bytes memory publicKey) internal pure returns (bytes32[4] memory) {
        return abi.decode(publicKey, (bytes32[4]));
    }

    function jsonPath(string memory before, uint256 index, string memory rest)
        internal
        pure
        returns (string memory)
    {
        return string.concat(before, "[", vm.toString(index), "]", rest);
    }
}
