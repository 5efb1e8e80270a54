// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {TrieProof} from "@openzeppelin/contracts/utils/cryptography/TrieProof.sol";
import {HyperlaneFinalityModule} from "../src/HyperlaneFinalityModule.sol";
import {IFinalityLightClient} from "../src/interfaces/IFinalityLightClient.sol";
import {IHyperlaneFinalityModule} from "../src/interfaces/IHyperlaneFinalityModule.sol";
import {IInterchainSecurityModule} from "../src/interfaces/IInterchainSecurityModule.sol";
import {Headers} from "../src/libraries/Headers.sol";
import {LightClientTestBase} from "./LightClientTestBase.sol";

contract HyperlaneFinalityModuleTest is LightClientTestBase {
    uint32 private constant ORIGIN = 9_010;
    address private constant MAILBOX = address(0xA11B0C5);
    bytes32 private constant DISPATCH_ID = keccak256("DispatchId(bytes32)");

    HyperlaneFinalityModule private module;

    function setUp() public override {
        super.setUp();
        module = new HyperlaneFinalityModule(client, ROLLUP, ORIGIN, MAILBOX, _urls());
    }

    function test_deliversWhatWasDispatchedInAFastFinalBlock(uint8 kind, uint8 transactionIndex)
        external
    {
        // A receipt of before EIP-2718, or one of the types since.
        bytes memory prefix = kind % 5 == 0 ? bytes("") : abi.encodePacked(kind % 5);
        IHyperlaneFinalityModule.Proof memory proof =
            _proofOf(transactionIndex, prefix, MAILBOX, _topics(keccak256(_message())));
        submit(100, keccak256(proof.header));
        assertTrue(module.verify(abi.encode(proof), _message()));
    }

    function test_deliversUnderAnAncestorOfACertifiedBlock() external {
        IHyperlaneFinalityModule.Proof memory proof = _proof();
        proof.headersAbove = new bytes[](1);
        proof.headersAbove[0] = _header(keccak256(proof.header), "receipts");
        submit(100, keccak256(proof.headersAbove[0]));
        assertTrue(module.verify(abi.encode(proof), _message()));
    }

    function test_deliversNothingBeforeTheCertificateOrWhileTheRollupIsFrozen() external {
        IHyperlaneFinalityModule.Proof memory proof = _proof();
        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.NotHeld.selector, ROLLUP, 100));
        module.verify(abi.encode(proof), _message());
        submit(100, keccak256(proof.header));
        submit(100, "another");
        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.RollupFrozen.selector, ROLLUP));
        module.verify(abi.encode(proof), _message());
    }

    function test_deliversNoOtherMessage() external {
        IHyperlaneFinalityModule.Proof memory proof = _proof();
        submit(100, keccak256(proof.header));
        bytes memory message = abi.encodePacked(_message(), "more");
        _expectNotDispatched(message);
        module.verify(abi.encode(proof), message);
    }

    function test_deliversNothingThatAnotherContractLogged() external {
        _refuseLog(100, address(0xBAD), _topics(keccak256(_message())));
    }

    function test_deliversNothingForAnotherLogOfTheMailbox() external {
        bytes32[] memory topics = _topics(keccak256(_message()));
        topics[0] = keccak256("ProcessId(bytes32)");
        _refuseLog(100, MAILBOX, topics);
        bytes32[] memory more = new bytes32[](3);
        (more[0], more[1]) = (DISPATCH_ID, keccak256(_message()));
        _refuseLog(101, MAILBOX, more);
        _refuseLog(102, MAILBOX, new bytes32[](0));
    }

    function test_deliversNothingForALogThatIsNotThere() external {
        IHyperlaneFinalityModule.Proof memory proof = _proof();
        submit(100, keccak256(proof.header));
        for (uint256 i = 0; i < 3; i++) {
            if (i == 1) continue;
            proof.logIndex = i;
            _expectNotDispatched(_message());
            module.verify(abi.encode(proof), _message());
        }
    }

    function test_refusesProofsFromAnotherBlock() external {
        IHyperlaneFinalityModule.Proof memory proof = _proof();
        submit(100, keccak256(proof.header));
        bytes memory header = proof.header;
        proof.header = _header("parent", "receipts");
        vm.expectRevert(abi.encodeWithSelector(IHyperlaneFinalityModule.NotTheHeader.selector));
        module.verify(abi.encode(proof), _message());
        proof.header = header;
        proof.headersAbove = new bytes[](1);
        proof.headersAbove[0] = _header(keccak256(header), "receipts");
        vm.expectRevert(abi.encodeWithSelector(Headers.BrokenHeaderChain.selector, 0));
        module.verify(abi.encode(proof), _message());
        proof.headersAbove = new bytes[](0);
        proof.receiptProof[0][40] ^= 0x01;
        vm.expectRevert(
            abi.encodeWithSelector(
                TrieProof.TrieProofTraversalError.selector, TrieProof.ProofError.INVALID_ROOT
            )
        );
        module.verify(abi.encode(proof), _message());
    }

    function test_refusesMessagesThatAreShortOrOfAnotherOrigin() external {
        bytes memory metadata = abi.encode(_proof());
        bytes[3] memory messages = [
            bytes(""),
            abi.encodePacked(uint8(3), uint32(1), ORIGIN, new bytes(67)),
            abi.encodePacked(uint8(3), uint32(1), ORIGIN + 1, new bytes(68))
        ];
        for (uint256 i = 0; i < messages.length; i++) {
            vm.expectRevert(abi.encodeWithSelector(IHyperlaneFinalityModule.InvalidMessage.selector));
            module.verify(metadata, messages[i]);
        }
    }

    function test_tellsRelayersWhereToAskForMetadata() external {
        assertEq(module.moduleType(), 7);
        vm.expectRevert(
            abi.encodeWithSelector(
                IInterchainSecurityModule.OffchainLookup.selector,
                address(module),
                _urls(),
                _message(),
                module.verify.selector,
                _message()
            )
        );
        module.getOffchainVerifyInfo(_message());
    }

    function test_refusesAConfigurationThatCannotWork() external {
        bytes4 invalid = IHyperlaneFinalityModule.InvalidConfiguration.selector;
        IFinalityLightClient nobody = IFinalityLightClient(address(0xE0A));
        vm.expectRevert(abi.encodeWithSelector(invalid));
        new HyperlaneFinalityModule(nobody, ROLLUP, ORIGIN, MAILBOX, _urls());
        vm.expectRevert(abi.encodeWithSelector(invalid));
        new HyperlaneFinalityModule(client, 0, ORIGIN, MAILBOX, _urls());
        vm.expectRevert(abi.encodeWithSelector(invalid));
        new HyperlaneFinalityModule(client, ROLLUP, 0, MAILBOX, _urls());
        vm.expectRevert(abi.encodeWithSelector(invalid));
        new HyperlaneFinalityModule(client, ROLLUP, ORIGIN, address(0), _urls());
    }

    function _refuseLog(uint64 blockNumber, address emitter, bytes32[] memory topics) private {
        IHyperlaneFinalityModule.Proof memory proof = _proofOf(0, hex"02", emitter, topics);
        proof.certifiedNumber = blockNumber;
        submit(blockNumber, keccak256(proof.header));
        _expectNotDispatched(_message());
        module.verify(abi.encode(proof), _message());
    }

    function _expectNotDispatched(bytes memory message) private {
        vm.expectRevert(
            abi.encodeWithSelector(IHyperlaneFinalityModule.NotDispatched.selector, keccak256(message))
        );
    }

    function _proof() private pure returns (IHyperlaneFinalityModule.Proof memory) {
        return _proofOf(0, hex"02", MAILBOX, _topics(keccak256(_message())));
    }

    /// @dev A trie of one receipt, whose second log is the given one
    function _proofOf(uint256 transactionIndex, bytes memory prefix, address emitter, bytes32[] memory topics)
        private
        pure
        returns (IHyperlaneFinalityModule.Proof memory proof)
    {
        bytes[] memory logs = new bytes[](2);
        logs[0] = _log(address(0x70CE), new bytes32[](1));
        logs[1] = _log(emitter, topics);
        bytes[] memory receipt = new bytes[](4);
        receipt[0] = RLP.encode(uint256(1));
        receipt[1] = RLP.encode(uint256(50_000));
        receipt[2] = RLP.encode(new bytes(256));
        receipt[3] = RLP.encode(logs);
        bytes[] memory leaf = new bytes[](2);
        leaf[0] = RLP.encode(abi.encodePacked(hex"20", RLP.encode(transactionIndex)));
        leaf[1] = RLP.encode(abi.encodePacked(prefix, RLP.encode(receipt)));
        proof.receiptProof = new bytes[](1);
        proof.receiptProof[0] = RLP.encode(leaf);
        proof.header = _header("parent", keccak256(proof.receiptProof[0]));
        (proof.certifiedNumber, proof.transactionIndex, proof.logIndex) = (100, transactionIndex, 1);
    }

    function _log(address emitter, bytes32[] memory topics) private pure returns (bytes memory) {
        bytes[] memory encoded = new bytes[](topics.length);
        for (uint256 i = 0; i < topics.length; i++) {
            encoded[i] = RLP.encode(topics[i]);
        }
        bytes[] memory log = new bytes[](3);
        log[0] = RLP.encode(emitter);
        log[1] = RLP.encode(encoded);
        log[2] = RLP.encode(bytes("data"));
        return RLP.encode(log);
    }

    function _header(bytes32 parent, bytes32 receiptsRoot) private pure returns (bytes memory) {
        bytes[] memory fields = new bytes[](15);
        for (uint256 i = 0; i < 15; i++) {
            fields[i] = RLP.encode(uint256(i));
        }
        (fields[0], fields[5]) = (RLP.encode(parent), RLP.encode(receiptsRoot));
        return RLP.encode(fields);
    }

    function _topics(bytes32 messageId) private pure returns (bytes32[] memory topics) {
        topics = new bytes32[](2);
        (topics[0], topics[1]) = (DISPATCH_ID, messageId);
    }

    function _message() private pure returns (bytes memory) {
        return abi.encodePacked(
            uint8(3), uint32(7), ORIGIN, bytes32("sender"), uint32(1), bytes32("recipient"), "hello"
        );
    }

    function _urls() private pure returns (string[] memory urls) {
        urls = new string[](1);
        urls[0] = "https://gateway.example/hyperlane/{sender}/{data}";
    }
}
