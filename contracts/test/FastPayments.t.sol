// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {TrieProof} from "@openzeppelin/contracts/utils/cryptography/TrieProof.sol";
import {FastPayments} from "../src/examples/FastPayments.sol";
import {PaymentSource} from "../src/examples/PaymentSource.sol";
import {IFinalityLightClient} from "../src/interfaces/IFinalityLightClient.sol";
import {LightClientTestBase} from "./LightClientTestBase.sol";

/// @dev Takes its payment by asking for it once more
contract GreedyRecipient {
    FastPayments.Payment private _payment;
    FastPayments.Proof private _proof;

    function prepare(FastPayments.Payment calldata payment, FastPayments.Proof calldata proof) external {
        (_payment, _proof) = (payment, proof);
    }

    receive() external payable {
        FastPayments(msg.sender).release(_payment, _proof);
    }
}

/// @dev On tries of one leaf each; a node's own proofs are in the settlement package's tests
contract FastPaymentsTest is LightClientTestBase {
    address private constant SOURCE = address(0x50);
    address private constant BOB = address(0xB0B);

    FastPayments private payments;

    function setUp() public override {
        super.setUp();
        payments = new FastPayments{value: 10 ether}(client, ROLLUP, SOURCE);
    }

    function test_paysOnceWhatAFastFinalBlockProves() external {
        (FastPayments.Payment memory payment, FastPayments.Proof memory proof) = _proved(BOB, 1 ether);
        submit(100, keccak256(proof.header));
        vm.prank(address(0xF00D));
        payments.release(payment, proof);
        assertEq(BOB.balance, 1 ether);
        assertTrue(payments.isPaid(payment.paymentId));
        vm.expectRevert(abi.encodeWithSelector(FastPayments.AlreadyPaid.selector, payment.paymentId));
        payments.release(payment, proof);
    }

    function test_paysUnderAnAncestorOfACertifiedBlock() external {
        (FastPayments.Payment memory payment, FastPayments.Proof memory proof) = _proved(BOB, 1 ether);
        proof.headersAbove = new bytes[](1);
        proof.headersAbove[0] = _header(keccak256(proof.header), "another state");
        submit(100, keccak256(proof.headersAbove[0]));
        payments.release(payment, proof);
        assertEq(BOB.balance, 1 ether);
    }

    function test_paysNothingBeforeTheCertificateOrWhileTheRollupIsFrozen() external {
        (FastPayments.Payment memory payment, FastPayments.Proof memory proof) = _proved(BOB, 1 ether);
        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.NotHeld.selector, ROLLUP, 100));
        payments.release(payment, proof);
        submit(100, keccak256(proof.header));
        submit(100, "another");
        vm.expectRevert(abi.encodeWithSelector(IFinalityLightClient.RollupFrozen.selector, ROLLUP));
        payments.release(payment, proof);
        assertEq(BOB.balance, 0);
    }

    function test_paysNothingThatIsNotProved() external {
        (FastPayments.Payment memory payment, FastPayments.Proof memory proof) = _proved(BOB, 1 ether);
        submit(100, keccak256(proof.header));
        payment.amount = 2 ether;
        vm.expectRevert(abi.encodeWithSelector(FastPayments.AnotherPayment.selector));
        payments.release(payment, proof);
        (payment.amount, payment.recipient) = (1 ether, address(this));
        vm.expectRevert(abi.encodeWithSelector(FastPayments.AnotherPayment.selector));
        payments.release(payment, proof);
        (payment.recipient, payment.paymentId) = (BOB, 4);
        vm.expectRevert(
            abi.encodeWithSelector(
                TrieProof.TrieProofTraversalError.selector,
                TrieProof.ProofError.INVALID_PATH_REMAINDER
            )
        );
        payments.release(payment, proof);
        payment.paymentId = 3;
        proof.header = _header(0, "another state");
        vm.expectRevert(abi.encodeWithSelector(FastPayments.NotTheHeader.selector));
        payments.release(payment, proof);
        assertEq(BOB.balance, 0);
    }

    function test_aRecipientThatCallsBackIsPaidOnce() external {
        GreedyRecipient greedy = new GreedyRecipient();
        (FastPayments.Payment memory payment, FastPayments.Proof memory proof) =
            _proved(address(greedy), 1 ether);
        submit(100, keccak256(proof.header));
        greedy.prepare(payment, proof);
        vm.expectRevert(abi.encodeWithSelector(FastPayments.AlreadyPaid.selector, payment.paymentId));
        payments.release(payment, proof);
        assertEq(address(payments).balance, 10 ether);
    }

    function test_theSourceKeepsWhatIsProved() external {
        PaymentSource source = new PaymentSource();
        vm.expectRevert(abi.encodeWithSelector(PaymentSource.NoAmount.selector));
        source.send(BOB);
        assertEq(source.send{value: 5}(BOB), 0);
        assertEq(source.send{value: 7}(address(this)), 1);
        assertEq(source.payments(0), keccak256(abi.encode(BOB, 5)));
        bytes32 slot = keccak256(abi.encode(uint256(1), uint256(0)));
        assertEq(vm.load(address(source), slot), keccak256(abi.encode(address(this), 7)));
    }

    /// @dev Payment 3 in a block at height 100
    function _proved(address recipient, uint256 amount)
        private
        pure
        returns (FastPayments.Payment memory payment, FastPayments.Proof memory proof)
    {
        payment = FastPayments.Payment(3, recipient, amount);
        bytes32 slot = keccak256(abi.encode(uint256(3), uint256(0)));
        bytes memory value = RLP.encode(uint256(keccak256(abi.encode(recipient, amount))));
        bytes memory slotLeaf = _leaf(keccak256(abi.encodePacked(slot)), value);

        bytes[] memory account = new bytes[](4);
        account[0] = RLP.encode(uint256(1));
        account[1] = RLP.encode(amount);
        account[2] = RLP.encode(keccak256(slotLeaf));
        account[3] = RLP.encode(keccak256("code"));
        bytes memory accountLeaf = _leaf(keccak256(abi.encodePacked(SOURCE)), RLP.encode(account));

        proof.certifiedNumber = 100;
        proof.header = _header("parent", keccak256(accountLeaf));
        (proof.accountProof, proof.storageProof) = (new bytes[](1), new bytes[](1));
        (proof.accountProof[0], proof.storageProof[0]) = (accountLeaf, slotLeaf);
    }

    function _leaf(bytes32 key, bytes memory value) private pure returns (bytes memory) {
        bytes[] memory node = new bytes[](2);
        node[0] = RLP.encode(abi.encodePacked(hex"20", key));
        node[1] = RLP.encode(value);
        return RLP.encode(node);
    }

    function _header(bytes32 parent, bytes32 stateRoot) private pure returns (bytes memory) {
        bytes[] memory fields = new bytes[](15);
        for (uint256 i = 0; i < 15; i++) {
            fields[i] = RLP.encode(uint256(i));
        }
        (fields[0], fields[3]) = (RLP.encode(parent), RLP.encode(stateRoot));
        return RLP.encode(fields);
    }
}
