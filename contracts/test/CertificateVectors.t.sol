// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CertificateVerifier} from "../src/CertificateVerifier.sol";
import {ICertificateVerifier} from "../src/interfaces/ICertificateVerifier.sol";
import {Certificates} from "../src/libraries/Certificates.sol";
import {Points} from "./Points.sol";
import {VectorTestBase} from "./VectorTestBase.sol";

/// @dev The vectors that the off-chain verifier is held to as well
contract CertificateVectorsTest is VectorTestBase {
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
        TestSet memory set = readSet(json, "$.signedBy");
        uint256 count = 0;
        for (; vm.keyExistsJson(json, jsonPath("$.cases", count, "")); count++) {
            _checkUpdate(json, jsonPath("$.cases", count, ""), set);
        }
        assertEq(count, 4);
    }

    function _checkCertificate(string memory json, string memory path) private {
        string memory expected = vm.parseJsonString(json, string.concat(path, ".expect"));
        _seen[expected]++;
        if (isSame(expected, "malformed")) return;
        string memory certificate = string.concat(path, ".certificate");
        TestSet memory set = readSet(json, string.concat(path, ".operatorSet"));
        ICertificateVerifier.Trust memory trust = ICertificateVerifier.Trust({
            domain: readDomain(json, certificate),
            operatorSetHash: vm.parseJsonBytes32(json, string.concat(certificate, ".operatorSetHash")),
            thresholdBps: vm.parseJsonUint(json, string.concat(path, ".thresholdBps"))
        });
        (Certificates.Code code, bytes32 certificateId,) = verifier.verify(
            trust, readClaim(json, string.concat(certificate, ".claim")), readSigners(json, certificate, set)
        );
        assertEq(uint256(code), uint256(_codeOf(expected)));
        if (code == Certificates.Code.Valid) {
            assertEq(certificateId, vm.parseJsonBytes32(json, string.concat(certificate, ".certificateId")));
        }
    }

    function _checkUpdate(string memory json, string memory path, TestSet memory set) private view {
        string memory update = string.concat(path, ".update");
        ICertificateVerifier.Trust memory trust = ICertificateVerifier.Trust({
            domain: readDomain(json, update),
            operatorSetHash: vm.parseJsonBytes32(json, string.concat(update, ".signedBy")),
            thresholdBps: 6667
        });
        (Certificates.Code code,) = verifier.verifySetUpdate(
            trust,
            uint64(vm.parseJsonUint(json, string.concat(update, ".epoch"))),
            vm.parseJsonBytes32(json, string.concat(update, ".operatorSetHash")),
            readSigners(json, update, set)
        );
        string memory expected = vm.parseJsonString(json, string.concat(path, ".expect"));
        assertEq(uint256(code), uint256(_codeOf(expected)));
    }

    function _codeOf(string memory expected) private pure returns (Certificates.Code) {
        if (isSame(expected, "valid")) return Certificates.Code.Valid;
        if (isSame(expected, "unknown-operator-set")) return Certificates.Code.UnknownOperatorSet;
        if (isSame(expected, "epoch-mismatch")) return Certificates.Code.EpochMismatch;
        if (isSame(expected, "below-threshold")) return Certificates.Code.BelowThreshold;
        assertTrue(isSame(expected, "bad-signature"));
        return Certificates.Code.BadSignature;
    }
}
