// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Certificates} from "../src/libraries/Certificates.sol";
import {OperatorSets} from "../src/libraries/OperatorSets.sol";
import {CertificateTestBase} from "./CertificateTestBase.sol";
import {Points} from "./Points.sol";

/// @dev Reads what the vectors hold in the protocol's JSON, keys and signatures compressed
abstract contract VectorTestBase is CertificateTestBase {
    function readDomain(string memory json, string memory path)
        internal
        pure
        returns (Certificates.Domain memory)
    {
        return Certificates.Domain(
            vm.parseJsonUint(json, string.concat(path, ".domain.chainId")),
            vm.parseJsonAddress(json, string.concat(path, ".domain.verifyingContract"))
        );
    }

    function readClaim(string memory json, string memory path)
        internal
        pure
        returns (Certificates.Claim memory)
    {
        return Certificates.Claim({
            rollupId: uint64(vm.parseJsonUint(json, string.concat(path, ".rollupId"))),
            blockNumber: uint64(vm.parseJsonUint(json, string.concat(path, ".blockNumber"))),
            blockHash: vm.parseJsonBytes32(json, string.concat(path, ".blockHash")),
            stateRoot: vm.parseJsonBytes32(json, string.concat(path, ".stateRoot")),
            outputRoot: vm.parseJsonBytes32(json, string.concat(path, ".outputRoot")),
            timestamp: uint64(vm.parseJsonUint(json, string.concat(path, ".timestamp"))),
            epoch: uint64(vm.parseJsonUint(json, string.concat(path, ".epoch"))),
            verification: uint8(vm.parseJsonUint(json, string.concat(path, ".verification")))
        });
    }

    function readSet(string memory json, string memory path) internal view returns (TestSet memory set) {
        uint256 count = 0;
        while (vm.keyExistsJson(json, jsonPath(string.concat(path, ".operators"), count, ""))) count++;
        set.members = new Certificates.Member[](count);
        set.leaves = new bytes32[](count);
        for (uint256 i = 0; i < count; i++) {
            string memory each = jsonPath(string.concat(path, ".operators"), i, "");
            bytes memory key = vm.parseJsonBytes(json, string.concat(each, ".publicKey"));
            Certificates.Member memory member = Certificates.Member({
                index: i,
                operator: vm.parseJsonAddress(json, string.concat(each, ".operator")),
                publicKey: toKey(Points.decompressG1(key)),
                weight: vm.parseJsonUint(json, string.concat(each, ".weight"))
            });
            set.members[i] = member;
            set.leaves[i] = OperatorSets.leaf(i, member.operator, member.publicKey, member.weight);
        }
        set.preimage = Certificates.OperatorSet({
            epoch: uint64(vm.parseJsonUint(json, string.concat(path, ".epoch"))),
            count: uint32(count),
            totalWeight: vm.parseJsonUint(json, string.concat(path, ".totalWeight")),
            aggregatePublicKey: toKey(
                Points.decompressG1(vm.parseJsonBytes(json, string.concat(path, ".aggregatePublicKey")))
            ),
            operatorsRoot: vm.parseJsonBytes32(json, string.concat(path, ".operatorsRoot"))
        });
    }

    function readSigners(string memory json, string memory path, TestSet memory set)
        internal
        view
        returns (Certificates.Signers memory signed)
    {
        bytes memory signers = vm.parseJsonBytes(json, string.concat(path, ".signers"));
        uint256[] memory absent = new uint256[](set.members.length);
        uint256 count = 0;
        for (uint256 i = 0; i < set.members.length; i++) {
            if (uint8(signers[i / 8]) >> (i % 8) & 1 == 0) absent[count++] = i;
        }
        assembly ("memory-safe") {
            mstore(absent, count)
        }
        signed = without(set, absent);
        bytes memory signature = vm.parseJsonBytes(json, string.concat(path, ".signature"));
        // Infinity has no compressed coordinates: as a point it is all zeros.
        if (signature[0] & 0x40 != 0) return signed;
        signed.signature = abi.decode(Points.decompressG2(signature), (bytes32[8]));
    }

    function isSame(string memory left, string memory right) internal pure returns (bool) {
        return keccak256(bytes(left)) == keccak256(bytes(right));
    }
}
