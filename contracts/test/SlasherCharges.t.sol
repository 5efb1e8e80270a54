// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IEvidenceVerifier} from "../src/interfaces/IEvidenceVerifier.sol";
import {IHeaderWalks} from "../src/interfaces/IHeaderWalks.sol";
import {ISlasher} from "../src/interfaces/ISlasher.sol";
import {Certificates} from "../src/libraries/Certificates.sol";
import {Headers} from "../src/libraries/Headers.sol";
import {SlasherTestBase} from "./SlasherTestBase.sol";

/// @dev Certificates at different heights: block 100 of one branch, and block 105 of another that leaves
/// it at 98
contract SlasherChargesTest is SlasherTestBase {
    bytes32 private constant ROOT = keccak256("block 98");
    bytes32 private constant LOWER = keccak256("block 100");

    /// @dev Of blocks 105 down to 99 on the higher branch
    bytes[] private _headers;
    bytes32 private _tip;

    function setUp() public override {
        super.setUp();
        bytes[] memory headers;
        (headers, _tip) = chainOn(ROOT, 98, 7);
        for (uint256 i = 0; i < headers.length; i++) {
            _headers.push(headers[i]);
        }
    }

    function test_aChargeConvictsAfterItsChallengeWindow() external {
        bytes32 id = _charge();
        uint256 provedAt = _prove(id);
        ISlasher.Accused[] memory accused = accusedOf(2, 3, 1);
        (Certificates.OperatorSet memory low, Certificates.OperatorSet memory high) = _sets();
        vm.warp(provedAt + 30);
        vm.expectRevert(refusal(ISlasher.ChallengeOpen.selector, provedAt + 30));
        slasher.convict(id, low, high, accused);
        vm.warp(provedAt + 31);
        slasher.convict(id, low, high, accused);
        assertTrue(isConvicted(1, 105));
        bytes32 convictionId = slasher.convictionIdAt(operatorAt(1), ROLLUP, 105);
        assertEq(slasher.conviction(convictionId).reporter, REPORTER);
        accused = accusedOf(2, 3, 0);
        vm.expectRevert(abi.encodeWithSelector(ISlasher.NotASigner.selector, operatorAt(0)));
        slasher.convict(id, low, high, accused);
        slasher.convict(id, low, high, accusedOf(2, 3, 3));
        assertTrue(isConvicted(3, 105));
    }

    function test_nobodyIsConvictedBeforeTheHeadersAreProved() external {
        (IEvidenceVerifier.Certificate memory lower, IEvidenceVerifier.Certificate memory higher) = _pair();
        ISlasher.Accused[] memory accused = accusedOf(2, 3, 1);
        vm.expectRevert();
        slasher.reportConflict(lower, higher, accused);
        bytes32 id = slasher.reportConflict(lower, higher, nobody());
        (Certificates.OperatorSet memory low, Certificates.OperatorSet memory high) = _sets();
        vm.warp(vm.getBlockTimestamp() + 100);
        vm.expectRevert(refusal(ISlasher.ChargeNotProved.selector, id));
        slasher.convict(id, low, high, accused);
        vm.expectRevert(refusal(ISlasher.UnknownCharge.selector, bytes32(0)));
        slasher.convict(0, low, high, accused);
    }

    function test_aChargeNeedsASettlementThatL1CanRead() external {
        (Certificates.Claim memory low, Certificates.Claim memory high) = _claims();
        (low.rollupId, high.rollupId) = (NO_SETTLEMENT, NO_SETTLEMENT);
        (IEvidenceVerifier.Certificate memory lower, IEvidenceVerifier.Certificate memory higher) =
            (certificateOf(low), certificateOf(high));
        ISlasher.Accused[] memory none = nobody();
        vm.expectRevert(abi.encodeWithSelector(ISlasher.NoSettlement.selector, NO_SETTLEMENT, 2));
        slasher.reportConflict(lower, higher, none);
    }

    function test_aWalkIsResumedByAnother() external {
        bytes32 id = _charge();
        IHeaderWalks walks = slasher.headerWalks();
        vm.prank(STRANGER);
        walks.walk(_tip, 0, slice(_headers, 0, 2));
        bytes32 passed = walks.walk(_tip, 2, slice(_headers, 2, 3));
        assertEq(walks.checkpoint(_tip, 3), passed);
        assertEq(walks.checkpoint(_tip, 1), bytes32(0));
        bytes[] memory rest = slice(_headers, 3, 4);
        vm.expectRevert(refusal(ISlasher.ChargeNotProved.selector, id));
        slasher.proveCharge(id, 3, rest);
        slasher.proveCharge(id, 3, slice(_headers, 3, 5));
        (ISlasher.Charge memory charge,) = slasher.charge(id);
        assertEq(charge.provedAt, vm.getBlockTimestamp());
        vm.warp(vm.getBlockTimestamp() + 10);
        slasher.proveCharge(id, 5, new bytes[](0));
        (ISlasher.Charge memory again,) = slasher.charge(id);
        assertEq(again.provedAt, charge.provedAt);
    }

    function test_headersOfNoChainProveNothing() external {
        bytes32 id = _charge();
        bytes[] memory headers = slice(_headers, 0, 5);
        headers[2] = headers[3];
        vm.expectRevert(refusal(Headers.BrokenHeaderChain.selector, 2));
        slasher.proveCharge(id, 0, headers);
        headers = slice(_headers, 3, 5);
        vm.expectRevert(abi.encodeWithSelector(IHeaderWalks.NotWalked.selector, _tip, 3));
        slasher.proveCharge(id, 3, headers);
        headers = slice(_headers, 0, 6);
        vm.expectRevert(refusal(ISlasher.ChargeNotProved.selector, id));
        slasher.proveCharge(id, 0, headers);
    }

    function test_aDescendantIsNoConflict() external {
        bytes32 ancestor = keccak256(_headers[5]);
        bytes32 id = slasher.reportConflict(
            certificateOf(claimOf(2, 100, ancestor)), certificateOf(claimOf(3, 105, _tip)), nobody()
        );
        bytes[] memory headers = slice(_headers, 0, 5);
        vm.expectRevert(refusal(ISlasher.NotConflicting.selector));
        slasher.proveCharge(id, 0, headers);
    }

    function test_aChargeIsProvedWhileItsWindowFitsInTheEvidences() external {
        bytes32 id = _charge();
        bytes[] memory headers = slice(_headers, 0, 5);
        vm.warp(deadlineOf(3) - 29);
        vm.expectRevert(refusal(ISlasher.EvidenceExpired.selector, deadlineOf(3)));
        slasher.proveCharge(id, 0, headers);
        vm.warp(deadlineOf(3) - 30);
        slasher.proveCharge(id, 0, headers);
        ISlasher.Accused[] memory accused = accusedOf(2, 3, 1);
        (Certificates.OperatorSet memory low, Certificates.OperatorSet memory high) = _sets();
        vm.warp(deadlineOf(3) + 31);
        vm.expectRevert(refusal(ISlasher.EvidenceExpired.selector, deadlineOf(3) + 30));
        slasher.convict(id, low, high, accused);
        vm.warp(deadlineOf(3) + 30);
        slasher.convict(id, low, high, accused);
        assertTrue(isConvicted(1, 105));
    }

    function test_anIntermediateCertificateVoidsAndTakesThePlace() external {
        bytes32 id = _charge();
        uint256 provedAt = _prove(id);
        vm.warp(provedAt + 30);
        bytes32 heirId = slasher.excuseByCertificate(id, _between(2, 103), 0, slice(_headers, 0, 2));
        (, bool isVoid) = slasher.charge(id);
        assertTrue(isVoid);
        (Certificates.OperatorSet memory low, Certificates.OperatorSet memory high) = _sets();
        ISlasher.Accused[] memory accused = accusedOf(2, 3, 1);
        vm.warp(provedAt + 31);
        vm.expectRevert(refusal(ISlasher.ChargeIsVoid.selector, id));
        slasher.convict(id, low, high, accused);

        (ISlasher.Charge memory heir,) = slasher.charge(heirId);
        assertEq(heir.higherNumber, 103);
        assertEq(heir.provedAt, provedAt + 30);
        assertEq(heir.reporter, REPORTER);
        accused = accusedOf(2, 2, 1);
        vm.expectRevert(refusal(ISlasher.ChallengeOpen.selector, provedAt + 60));
        slasher.convict(heirId, low, low, accused);
        vm.warp(provedAt + 61);
        slasher.convict(heirId, low, low, accused);
        assertTrue(isConvicted(1, 103));
        assertTrue(!isConvicted(1, 105));
        ISlasher.Accused[] memory absent = accusedOf(2, 2, 2);
        vm.expectRevert(abi.encodeWithSelector(ISlasher.NotASigner.selector, operatorAt(2)));
        slasher.convict(heirId, low, low, absent);
    }

    function test_anExcuseLeadsToTheLowestCertificate() external {
        bytes32 id = _charge();
        _prove(id);
        bytes32 heirId = slasher.excuseByCertificate(id, _between(3, 103), 0, slice(_headers, 0, 2));
        bytes32 lastId = slasher.excuseByCertificate(heirId, _between(3, 100), 5, new bytes[](0));
        (Certificates.OperatorSet memory low, Certificates.OperatorSet memory high) = _sets();
        // At one height there is no excuse and no window.
        slasher.convict(lastId, low, high, accusedOf(2, 3, 1));
        assertTrue(isConvicted(1, 100));
        IEvidenceVerifier.Certificate memory between = _between(3, 100);
        vm.expectRevert(refusal(ISlasher.NotAnExcuse.selector));
        slasher.excuseByCertificate(lastId, between, 5, new bytes[](0));
    }

    function test_aVoidPairStaysVoidWhoeverSigned() external {
        bytes32 id = _charge();
        _prove(id);
        slasher.excuseByCertificate(id, _between(2, 103), 0, slice(_headers, 0, 2));
        (Certificates.Claim memory low, Certificates.Claim memory high) = _claims();
        IEvidenceVerifier.Certificate memory lower = certificateOf(low);
        IEvidenceVerifier.Certificate memory higher = certificateOf(high);
        ISlasher.Accused[] memory none = nobody();
        vm.expectRevert();
        slasher.reportConflict(lower, higher, none);
    }

    /// @dev Who is accused last has the whole window: other signers of the same claims are another charge
    function test_otherSignersAreAnotherChargeWithItsOwnWindow() external {
        bytes32 id = _charge();
        uint256 provedAt = _prove(id);
        vm.warp(provedAt + 20);
        (Certificates.Claim memory low, Certificates.Claim memory high) = _claims();
        bytes32 other = slasher.reportConflict(certificateOf(low), certificateOf(high), nobody());
        assertTrue(other != id);
        slasher.proveCharge(other, 5, new bytes[](0));
        ISlasher.Accused[] memory accused = accusedOf(2, 3, 0);
        (Certificates.OperatorSet memory lowSet, Certificates.OperatorSet memory highSet) = _sets();
        vm.warp(provedAt + 50);
        vm.expectRevert(refusal(ISlasher.ChallengeOpen.selector, provedAt + 50));
        slasher.convict(other, lowSet, highSet, accused);
    }

    function test_whatIsNoIntermediateCertificateIsNoExcuse() external {
        bytes32 id = _charge();
        _prove(id);
        bytes[] memory headers = slice(_headers, 0, 2);
        _refuseExcuse(id, _between(4, 103), headers);
        _refuseExcuse(id, _between(1, 103), headers);
        _refuseExcuse(id, _between(2, 102), headers);
        Certificates.Claim memory claim = claimOf(2, 102, keccak256(_headers[2]));
        _refuseExcuse(id, certificateOf(claim), headers);
        _refuseExcuse(id, certificateOf(claimOf(2, 103, LOWER)), headers);
        claim = claimOf(2, 103, keccak256(_headers[2]));
        claim.rollupId = NO_SETTLEMENT;
        _refuseExcuse(id, certificateOf(claim), headers);
        _refuseExcuse(id, certificateOf(claimOf(3, 105, _tip)), new bytes[](0));
        _refuseExcuse(id, _between(2, 99), slice(_headers, 0, 6));
        IEvidenceVerifier.Certificate memory weak = _between(2, 103);
        weak.signed.signature = signatureBy(1, bytes32(0));
        vm.expectRevert(
            abi.encodeWithSelector(IEvidenceVerifier.NotValid.selector, Certificates.Code.BadSignature)
        );
        slasher.excuseByCertificate(id, weak, 0, headers);
    }

    function test_anExcuseIsLateAfterTheWindow() external {
        bytes32 id = _charge();
        uint256 provedAt = _prove(id);
        IEvidenceVerifier.Certificate memory between = _between(2, 103);
        bytes[] memory headers = slice(_headers, 0, 2);
        vm.warp(provedAt + 31);
        bytes memory refused = refusal(ISlasher.ChallengeOver.selector, provedAt + 30);
        vm.expectRevert(refused);
        slasher.excuseByCertificate(id, between, 0, headers);
        bytes[] memory none = new bytes[](0);
        vm.expectRevert(refused);
        slasher.excuseBySettlement(id, 2, "game", 0, none, "");
    }

    function test_settlementAgainstTheLowerVoids() external {
        bytes32 id = _charge();
        uint256 provedAt = _prove(id);
        bytes32 settled = keccak256(_headers[3]);
        settlement.settle("game", settled, keccak256("output"));
        vm.warp(provedAt + 30);
        // Settled is block 102: two headers down to block 100, and that block's own.
        slasher.excuseBySettlement(id, 4, "game", 0, slice(_headers, 3, 5), _headers[5]);
        (, bool isVoid) = slasher.charge(id);
        assertTrue(isVoid);
    }

    /// @dev Else whoever opens more charges than are answered in time convicts with the rest
    function test_settlementAgainstTheLowerVoidsEveryChargeAgainstIt() external {
        bytes32 id = _charge();
        bytes32 other = slasher.reportConflict(
            certificateOf(claimOf(2, 100, LOWER)), _between(3, 104), nobody()
        );
        settlement.settle("game", _tip, keccak256("output"));
        slasher.excuseBySettlement(id, 2, "game", 0, slice(_headers, 0, 5), _headers[5]);
        (, bool isVoid) = slasher.charge(other);
        assertTrue(isVoid);
        IEvidenceVerifier.Certificate memory lower = certificateOf(claimOf(2, 100, LOWER));
        IEvidenceVerifier.Certificate memory higher = _between(3, 103);
        ISlasher.Accused[] memory accused = nobody();
        vm.expectRevert();
        slasher.reportConflict(lower, higher, accused);
        // What conflicts at one height is no charge.
        accused = accusedOf(2, 3, 1);
        higher = _between(3, 100);
        if (digestOf(domain, lower.claim) > digestOf(domain, higher.claim)) {
            (lower, higher) = (higher, lower);
            accused = accusedOf(3, 2, 1);
        }
        slasher.reportConflict(lower, higher, accused);
        assertTrue(isConvicted(1, 100));
    }

    function test_aSettlementWalkIsResumed() external {
        bytes32 id = _charge();
        settlement.settle("game", _tip, keccak256("output"));
        slasher.headerWalks().walk(_tip, 0, slice(_headers, 0, 4));
        slasher.excuseBySettlement(id, 2, "game", 4, slice(_headers, 4, 5), _headers[5]);
        (, bool isVoid) = slasher.charge(id);
        assertTrue(isVoid);
    }

    function test_settlementOfTheLowerOrOfAnotherHeightIsNoExcuse() external {
        (bytes[] memory headers, bytes32 tip) = chainOn(LOWER, 98, 3);
        bytes32 lower = keccak256(headers[1]);
        bytes32 id = slasher.reportConflict(
            certificateOf(claimOf(2, 100, lower)),
            certificateOf(claimOf(3, 105, keccak256("elsewhere"))),
            nobody()
        );
        settlement.settle("its own", tip, keccak256("output"));
        _refuseSettlement(id, "its own", slice(headers, 0, 1), headers[1]);
        settlement.settle("another", _tip, keccak256("output"));
        _refuseSettlement(id, "another", slice(_headers, 0, 4), _headers[4]);
        _refuseSettlement(id, "another", slice(_headers, 0, 5), _headers[4]);
        bytes memory notSettled = abi.encodeWithSignature("NotSettled()");
        bytes[] memory part = slice(_headers, 0, 5);
        bytes memory last = _headers[5];
        vm.expectRevert(notSettled);
        slasher.excuseBySettlement(id, 2, "unheard of", 0, part, last);
        vm.expectRevert(refusal(ISlasher.NotAnExcuse.selector));
        slasher.excuseBySettlement(id, 1, "another", 0, part, last);
        slasher.excuseBySettlement(id, 2, "another", 0, part, last);
    }

    function test_aCopyOfAnyStepSentFirstStopsNothing() external {
        (IEvidenceVerifier.Certificate memory lower, IEvidenceVerifier.Certificate memory higher) = _pair();
        vm.prank(STRANGER);
        bytes32 id = slasher.reportConflict(lower, higher, nobody());
        assertEq(slasher.reportConflict(lower, higher, nobody()), id);
        bytes[] memory headers = slice(_headers, 0, 5);
        vm.prank(STRANGER);
        slasher.proveCharge(id, 0, headers);
        slasher.proveCharge(id, 0, headers);
        slasher.headerWalks().walk(_tip, 0, headers);
        vm.warp(vm.getBlockTimestamp() + 31);
        ISlasher.Accused[] memory accused = accusedOf(2, 3, 1);
        (Certificates.OperatorSet memory low, Certificates.OperatorSet memory high) = _sets();
        vm.prank(STRANGER);
        slasher.convict(id, low, high, accused);
        slasher.convict(id, low, high, accused);
        assertTrue(isConvicted(1, 105));
    }

    function _refuseExcuse(
        bytes32 id,
        IEvidenceVerifier.Certificate memory certificate,
        bytes[] memory headers
    ) private {
        vm.expectRevert(refusal(ISlasher.NotAnExcuse.selector));
        slasher.excuseByCertificate(id, certificate, 0, headers);
    }

    function _refuseSettlement(
        bytes32 id,
        bytes memory proof,
        bytes[] memory headers,
        bytes memory header
    ) private {
        vm.expectRevert(refusal(ISlasher.NotAnExcuse.selector));
        slasher.excuseBySettlement(id, 2, proof, 0, headers, header);
    }

    function _charge() private returns (bytes32) {
        (IEvidenceVerifier.Certificate memory lower, IEvidenceVerifier.Certificate memory higher) = _pair();
        ISlasher.Accused[] memory none = nobody();
        vm.prank(REPORTER);
        return slasher.reportConflict(lower, higher, none);
    }

    function _prove(bytes32 id) private returns (uint256) {
        slasher.proveCharge(id, 0, slice(_headers, 0, 5));
        return vm.getBlockTimestamp();
    }

    /// @dev All but operator 0 signed the lower, all the higher
    function _pair()
        private
        view
        returns (IEvidenceVerifier.Certificate memory, IEvidenceVerifier.Certificate memory)
    {
        (Certificates.Claim memory low, Certificates.Claim memory high) = _claims();
        return (certificateWithout(low, 0), certificateOf(high));
    }

    function _claims() private view returns (Certificates.Claim memory, Certificates.Claim memory) {
        return (claimOf(2, 100, LOWER), claimOf(3, 105, _tip));
    }

    /// @dev Of a block on the higher branch, by all but operator 2
    function _between(uint64 epoch, uint64 number)
        private
        view
        returns (IEvidenceVerifier.Certificate memory)
    {
        return certificateWithout(claimOf(epoch, number, keccak256(_headers[105 - number])), 2);
    }

    function _sets()
        private
        view
        returns (Certificates.OperatorSet memory, Certificates.OperatorSet memory)
    {
        return (setAt(2).preimage, setAt(3).preimage);
    }
}
