// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CertificateVerifier} from "../src/CertificateVerifier.sol";
import {ICertificateVerifier} from "../src/interfaces/ICertificateVerifier.sol";
import {Certificates} from "../src/libraries/Certificates.sol";
import {OperatorSets} from "../src/libraries/OperatorSets.sol";
import {CertificateTestBase} from "./CertificateTestBase.sol";
import {Points} from "./Points.sol";

/// @dev The vectors that the off-chain verifier is held to as well
contract CertificateVectorsTest is CertificateTestBase {
    CertificateVerifier private verifier = new CertificateVerifier();

    mapping(string expectation => uint256) private _seen;

    function test_decompressesAsTheVectorsSay() external view {
        string memory json = vm.readFile("../test/vectors/mach/keys.json");
        for (uint256 i = 0; vm.keyExistsJson(json, jsonPath("$", i, "")); i++) {
            bytes memory key = vm.parseJsonBytes(json, jsonPath("$", i, ".publicKey"));
            bytes memory point = vm.parseJsonBytes(json, jsonPath("$", i, ".publicKeyEip2537"));
            assertEq(Points.decompressG1(key), point);
            bytes memory signature = vm.parseJsonBytes(json, jsonPath("$", i, ".signature"));
            point = vm.parseJsonBytes(json, jsonPath("$", i, ".signatureEip2537"));
            assertEq(Points.decompressG2(signature), point);
        }
    }

    function test_certificates() external {
        string memory json = vm.readFile("../test/vectors/mach/certificates.json");
        uint256 count = 0;
        for (; vm.keyExistsJson(json, jsonPath("$", count, "")); count++) {
            _checkCertificate(json, jsonPath("$", count, ""));
        }
        assertEq(count, 35);
        assertEq(_seen["valid"], 17);
        assertEq(_seen["below-threshold"], 7);
        assertEq(_seen["bad-signature"], 5);
        assertEq(_seen["unknown-operator-set"], 1);
        assertEq(_seen["epoch-mismatch"], 1);
        // Lengths, unused bits and ids have no encoding that a contract could be given.
        assertEq(_seen["malformed"], 4);
    }

    function test_setUpdates() external view {
        string memory json = vm.readFile("../test/vectors/mach/set-updates.json");
        TestSet memory set = _readSet(json, "$.signedBy");
        uint256 count = 0;
        for (; vm.keyExistsJson(json, jsonPath("$.cases", count, "")); count++) {
            _checkUpdate(json, jsonPath("$.cases", count, ""), set);
        }
        assertEq(count, 4);
    }

    function _checkCertificate(string memory json, string memory path) private {
        string memory expected = vm.parseJsonString(json, string.concat(path, ".expect"));
        _seen[expected]++;
        if (_isSame(expected, "malformed")) return;
        string memory certificate = string.concat(path, ".certificate");
        TestSet memory set = _readSet(json, string.concat(path, ".operatorSet"));
        ICertificateVerifier.Trust memory trust = ICertificateVerifier.Trust({
            domain: _readDomain(json, certificate),
            operatorSetHash: vm.parseJsonBytes32(json, string.concat(certificate, ".operatorSetHash")),
            thresholdBps: vm.parseJsonUint(json, string.concat(path, ".thresholdBps"))
        });
        (Certificates.Code code, bytes32 certificateId,) = verifier.verify(
            trust, _readClaim(json, string.concat(certificate, ".claim")), _readSigners(json, certificate, set)
        );
        assertEq(uint256(code), uint256(_codeOf(expected)));
        if (code == Certificates.Code.Valid) {
            assertEq(certificateId, vm.parseJsonBytes32(json, string.concat(certificate, ".certificateId")));
        }
    }

    function _checkUpdate(string memory json, string memory path, TestSet memory set) private view {
        string memory update = string.concat(path, ".update");
        ICertificateVerifier.Trust memory trust = ICertificateVerifier.Trust({
            domain: _readDomain(json, update),
            operatorSetHash: vm.parseJsonBytes32(json, string.concat(update, ".signedBy")),
            thresholdBps: 6667
        });
        (Certificates.Code code,) = verifier.verifySetUpdate(
            trust,
            uint64(vm.parseJsonUint(json, string.concat(update, ".epoch"))),
            vm.parseJsonBytes32(json, string.concat(update, ".operatorSetHash")),
            _readSigners(json, update, set)
        );
        string memory expected = vm.parseJsonString(json, string.concat(path, ".expect"));
        assertEq(uint256(code), uint256(_codeOf(expected)));
    }

    function _readDomain(string memory json, string memory path)
        private
        pure
        returns (Certificates.Domain memory)
    {
        return Certificates.Domain(
            vm.parseJsonUint(json, string.concat(path, ".domain.chainId")),
            vm.parseJsonAddress(json, string.concat(path, ".domain.verifyingContract"))
        );
    }

    function _readClaim(string memory json, string memory path)
        private
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

    function _readSet(string memory json, string memory path) private view returns (TestSet memory set) {
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

    function _readSigners(string memory json, string memory path, TestSet memory set)
        private
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

    function _codeOf(string memory expected) private pure returns (Certificates.Code) {
        if (_isSame(expected, "valid")) return Certificates.Code.Valid;
        if (_isSame(expected, "unknown-operator-set")) return Certificates.Code.UnknownOperatorSet;
        if (_isSame(expected, "epoch-mismatch")) return Certificates.Code.EpochMismatch;
        if (_isSame(expected, "below-threshold")) return Certificates.Code.BelowThreshold;
        assertTrue(_isSame(expected, "bad-signature"));
        return Certificates.Code.BadSignature;
    }

    function _isSame(string memory left, string memory right) private pure returns (bool) {
        return keccak256(bytes(left)) == keccak256(bytes(right));
    }
}
