// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {Slasher} from "../src/Slasher.sol";
import {IEvidenceVerifier} from "../src/interfaces/IEvidenceVerifier.sol";
import {IRegistry} from "../src/interfaces/IRegistry.sol";
import {ISlasher} from "../src/interfaces/ISlasher.sol";
import {Headers} from "../src/libraries/Headers.sol";
import {Certificates} from "../src/libraries/Certificates.sol";
import {Points} from "./Points.sol";
import {VectorTestBase} from "./VectorTestBase.sol";

/// @dev Stands at the address for which the vectors are signed
contract VectorRegistry {
    uint64 public constant genesisTime = 1_753_195_433 - 104 * 60 - 10;
    uint64 public constant epochSeconds = 60;
    address public constant weightSource = address(0x50);

    mapping(uint64 epoch => bytes32) public operatorSetHash;

    function fix(uint64 epoch, bytes32 setHash) external {
        operatorSetHash[epoch] = setHash;
    }

    function rollupAt(uint64 rollupId, uint64) external pure returns (IRegistry.Rollup memory) {
        return IRegistry.Rollup(rollupId, "op", 1, 6667, 1, address(0x5E));
    }
}

/// @dev The evidence that the off-chain verifier is held to as well: what convicts there convicts here
contract EvidenceVectorsTest is VectorTestBase {
    string private _json;
    Slasher private _slasher;
    TestSet private _set;

    function setUp() external {
        _json = vm.readFile("../test/vectors/mach/evidence.json");
        Certificates.Domain memory domain = readDomain(_json, "$");
        vm.chainId(domain.chainId);
        vm.etch(domain.verifyingContract, type(VectorRegistry).runtimeCode);
        VectorRegistry registry = VectorRegistry(domain.verifyingContract);
        TestSet memory set = readSet(_json, "$.operatorSet");
        _set.preimage = set.preimage;
        for (uint256 i = 0; i < set.members.length; i++) {
            _set.members.push(set.members[i]);
            _set.leaves.push(set.leaves[i]);
        }
        registry.fix(104, vm.parseJsonBytes32(_json, "$.operatorSet.operatorSetHash"));
        vm.warp(registry.genesisTime() + 105 * 60);
        address[] memory anyone = new address[](1);
        anyone[0] = address(this);
        _slasher = new Slasher(
            address(new TimelockController(601, anyone, anyone, address(0))),
            IRegistry(address(registry)),
            ISlasher.Windows({acceptance: 60, challenge: 30, evidence: 300, minimumDelay: 601}),
            ISlasher.Parameters([uint64(1), 1, 1, 1, 1], address(this), 0)
        );
    }

    function test_evidence() external {
        uint256 count = 0;
        for (; vm.keyExistsJson(_json, jsonPath("$.cases", count, "")); count++) {
            uint256 before = vm.snapshotState();
            string memory path = jsonPath("$.cases", count, "");
            string memory expected = vm.parseJsonString(_json, string.concat(path, ".expect"));
            string memory kind = vm.parseJsonString(_json, string.concat(path, ".evidence.kind"));
            path = string.concat(path, ".evidence");
            bytes memory answer;
            if (isSame(kind, "double-attestation")) answer = _reportDouble(path);
            else if (isSame(kind, "attestation-against-certificate")) answer = _reportAgainst(path);
            else answer = _reportConflict(path);
            _requireExpected(expected, answer);
            vm.revertToState(before);
        }
        assertEq(count, 15);
    }

    /// @dev An empty answer is that the operators are convicted
    function _requireExpected(string memory expected, bytes memory answer) private pure {
        bytes4 code = bytes4(answer);
        if (isSame(expected, "valid")) assertEq(answer.length, 0);
        else if (isSame(expected, "not-conflicting")) assertTrue(code == ISlasher.NotConflicting.selector);
        else if (isSame(expected, "bad-signature")) assertTrue(code == IEvidenceVerifier.BadSignature.selector);
        else if (isSame(expected, "not-a-signer")) assertTrue(code == ISlasher.NotASigner.selector);
        else if (isSame(expected, "broken-header-chain")) assertTrue(_isBroken(code));
        else assertTrue(false);
    }

    /// @dev Of too few headers, or of headers that do not link
    function _isBroken(bytes4 code) private pure returns (bool) {
        return code == ISlasher.ChargeNotProved.selector || code == Headers.BrokenHeaderChain.selector;
    }

    function _reportDouble(string memory path) private returns (bytes memory) {
        IEvidenceVerifier.Attestation memory first = _attestation(string.concat(path, ".first"));
        IEvidenceVerifier.Attestation memory second = _attestation(string.concat(path, ".second"));
        // The evidence names the operator: with the vectors that is whose key has to have signed.
        address operator = vm.parseJsonAddress(_json, string.concat(path, ".operator"));
        first.membership = _membershipOf(operator);
        second.membership = _membershipOf(operator);
        bytes memory answer =
            _call(abi.encodeCall(ISlasher.reportDoubleAttestation, (first, second)));
        return answer.length != 0 ? answer : _unlessConvicted(operator, first.claim);
    }

    function _reportAgainst(string memory path) private returns (bytes memory) {
        IEvidenceVerifier.Attestation memory attestation = _attestation(string.concat(path, ".attestation"));
        IEvidenceVerifier.Certificate memory certificate = _certificate(string.concat(path, ".certificate"));
        bytes memory answer = _call(
            abi.encodeCall(
                ISlasher.reportAttestationAgainstCertificate,
                (attestation, certificate, attestation.membership)
            )
        );
        address operator = attestation.membership.member.operator;
        return answer.length != 0 ? answer : _unlessConvicted(operator, certificate.claim);
    }

    function _reportConflict(string memory path) private returns (bytes memory answer) {
        IEvidenceVerifier.Certificate memory lower = _certificate(string.concat(path, ".lower"));
        IEvidenceVerifier.Certificate memory higher = _certificate(string.concat(path, ".higher"));
        (bool isDone, bytes memory returned) = address(_slasher).call(
            abi.encodeCall(ISlasher.reportConflict, (lower, higher, new ISlasher.Accused[](0)))
        );
        if (!isDone) return returned;
        bytes32 id = abi.decode(returned, (bytes32));
        if (lower.claim.blockNumber != higher.claim.blockNumber) {
            answer = _call(abi.encodeCall(ISlasher.proveCharge, (id, 0, _headersAt(path))));
            if (answer.length != 0) return answer;
            vm.warp(vm.getBlockTimestamp() + 31);
        }
        string memory operators = string.concat(path, ".operators");
        for (uint256 i = 0; vm.keyExistsJson(_json, jsonPath(operators, i, "")); i++) {
            address operator = vm.parseJsonAddress(_json, jsonPath(operators, i, ""));
            ISlasher.Accused[] memory accused = new ISlasher.Accused[](1);
            accused[0] = ISlasher.Accused(_membershipOf(operator), _membershipOf(operator));
            answer = _call(abi.encodeCall(ISlasher.convict, (id, _set.preimage, _set.preimage, accused)));
            if (answer.length != 0) return answer;
            answer = _unlessConvicted(operator, higher.claim);
            if (answer.length != 0) return answer;
        }
    }

    function _call(bytes memory data) private returns (bytes memory) {
        (bool isDone, bytes memory answer) = address(_slasher).call(data);
        return isDone ? bytes("") : answer;
    }

    function _unlessConvicted(address operator, Certificates.Claim memory claim)
        private
        view
        returns (bytes memory)
    {
        bytes32 id = _slasher.convictionIdAt(operator, claim.rollupId, claim.blockNumber);
        return _slasher.conviction(id).time != 0 ? bytes("") : bytes("not convicted");
    }

    function _attestation(string memory path) private view returns (IEvidenceVerifier.Attestation memory) {
        bytes memory signature = vm.parseJsonBytes(_json, string.concat(path, ".signature"));
        return IEvidenceVerifier.Attestation({
            claim: readClaim(_json, string.concat(path, ".claim")),
            operatorSet: _set.preimage,
            membership: _membershipOf(vm.parseJsonAddress(_json, string.concat(path, ".operator"))),
            signature: abi.decode(Points.decompressG2(signature), (bytes32[8]))
        });
    }

    function _certificate(string memory path) private view returns (IEvidenceVerifier.Certificate memory) {
        return IEvidenceVerifier.Certificate(
            readClaim(_json, string.concat(path, ".claim")), readSigners(_json, path, _set)
        );
    }

    function _membershipOf(address operator) private view returns (IEvidenceVerifier.Membership memory) {
        uint256 index = 0;
        while (_set.members[index].operator != operator) index++;
        return IEvidenceVerifier.Membership(_set.members[index], pathOf(_set.leaves, index));
    }

    function _headersAt(string memory path) private view returns (bytes[] memory headers) {
        string memory list = string.concat(path, ".headers");
        uint256 count = 0;
        while (vm.keyExistsJson(_json, jsonPath(list, count, ""))) count++;
        headers = new bytes[](count);
        for (uint256 i = 0; i < count; i++) {
            headers[i] = vm.parseJsonBytes(_json, jsonPath(list, i, ""));
        }
    }
}
