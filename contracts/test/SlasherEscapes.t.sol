// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {StakeVault} from "../src/StakeVault.sol";
import {IEvidenceVerifier} from "../src/interfaces/IEvidenceVerifier.sol";
import {ISlasher} from "../src/interfaces/ISlasher.sol";
import {Certificates} from "../src/libraries/Certificates.sol";
import {SlasherTestBase} from "./SlasherTestBase.sol";

/// @dev What the guilty do to pay less, later or nothing: block 100 of one branch, and blocks 101 to 130
/// of another that leaves it at 98
contract SlasherEscapesTest is SlasherTestBase {
    bytes32 private constant LOWER = keccak256("block 100");
    uint64 private constant TOP = 130;

    /// @dev Of blocks 130 down to 99 on the higher branch
    bytes[] private _headers;

    function setUp() public override {
        super.setUp();
        (bytes[] memory headers,) = chainOn(keccak256("block 98"), 98, TOP - 98);
        for (uint256 i = 0; i < headers.length; i++) {
            _headers.push(headers[i]);
        }
    }

    /// @dev Whoever holds two thirds can make an intermediate certificate for every window
    function test_excusesPutNoChargeOffUntilTheStakeHasLeft() external {
        vm.warp(startOf(2));
        StakeVault vault = new StakeVault(token, 1, 600, address(slasher));
        sources.setSource(vault, 10_000, type(uint128).max);
        token.mint(address(this), STAKE);
        token.approve(address(vault), STAKE);
        vault.deposit(operatorAt(1), STAKE);
        // Out of the sets from epoch 4 on, and slashable for 600 seconds.
        uint256 exit = vault.requestWithdrawal(operatorAt(1), STAKE);
        vm.warp(startOf(4) + 10);

        bytes32 id = slasher.reportConflict(_lower(), _at(3, TOP), nobody());
        slasher.proveCharge(id, 0, _down(TOP, 100));
        uint256 end = _endOf(id);
        uint64 number = TOP;
        while (number > 101) {
            vm.warp(end);
            number--;
            id = slasher.excuseByCertificate(id, _at(3, number), 0, _down(TOP, number));
            end = _endOf(id);
        }
        assertTrue(end <= deadlineOf(3) + 2 * 30);
        vm.warp(end + 1);
        slasher.convict(id, setAt(2).preimage, setAt(3).preimage, accusedOf(2, 3, 1));
        slasher.collect(slasher.convictionIdAt(operatorAt(1), ROLLUP, number), vault);
        assertEq(vault.withdrawal(exit).assets, STAKE / 2);
    }

    /// @dev However late a charge is proved, the signers of the first excuse have the whole window
    function test_theFirstExcuseHasItsWholeWindow() external {
        bytes32 id = slasher.reportConflict(_lower(), _at(3, TOP), nobody());
        vm.warp(deadlineOf(3) - 30);
        slasher.proveCharge(id, 0, _down(TOP, 100));
        vm.warp(deadlineOf(3));
        id = slasher.excuseByCertificate(id, _at(2, 120), 0, _down(TOP, 120));
        assertEq(_endOf(id), deadlineOf(3) + 30);
        vm.warp(deadlineOf(3) + 30);
        id = slasher.excuseByCertificate(id, _at(2, 110), 0, _down(TOP, 110));
        assertEq(_endOf(id), deadlineOf(3) + 45);
    }

    /// @dev Nobody can be convicted before the proof: an excuse then would only be in its way, and make the
    /// charge one of an older epoch whose time is over
    function test_beforeTheProofThereIsNothingToExcuse() external {
        bytes32 id = slasher.reportConflict(_lower(), _at(3, TOP), nobody());
        vm.warp(deadlineOf(2) - 29);
        IEvidenceVerifier.Certificate memory between = _at(2, 120);
        bytes[] memory headers = _down(TOP, 120);
        vm.expectRevert(refusal(ISlasher.ChargeNotProved.selector, id));
        slasher.excuseByCertificate(id, between, 0, headers);
        slasher.proveCharge(id, 0, _down(TOP, 100));
        bytes32 heirId = slasher.excuseByCertificate(id, between, 0, headers);
        _convictAfterItsWindow(heirId, 120);
    }

    /// @dev Nor does it help to open the older charge first
    function test_aChargeThatWasOpenedBeforeIsProvedByTheOneItReplaces() external {
        bytes32 early = slasher.reportConflict(_lower(), _at(2, 120), nobody());
        bytes32 id = slasher.reportConflict(_lower(), _at(3, TOP), nobody());
        vm.warp(deadlineOf(2) + 1);
        slasher.proveCharge(id, 0, _down(TOP, 100));
        assertEq(slasher.excuseByCertificate(id, _at(2, 120), 0, _down(TOP, 120)), early);
        _convictAfterItsWindow(early, 120);
    }

    /// @dev The lower certificate names a block of the higher branch, at a height that is not its own
    function test_aBlockAtTwoHeightsIsNoExcuse() external {
        Certificates.Claim memory lie = claimOf(2, 100, keccak256(_headers[TOP - 120]));
        bytes32 id = slasher.reportConflict(certificateOf(lie), _at(3, TOP), nobody());
        slasher.proveCharge(id, 0, _down(TOP, 100));
        bytes32 heirId = slasher.excuseByCertificate(id, _at(2, 120), 0, _down(TOP, 120));
        _convictAfterItsWindow(heirId, 120);
    }

    /// @dev Evidence of what costs less, brought by the guilty for the share, does not stand for the rest
    function test_aCheaperKindDoesNotStandForADearerOne() external {
        _change([uint64(0.5 ether), 0.5 ether, 1 ether, 1 ether, 1 ether]);
        registry.fixEpoch(14);
        Certificates.Claim memory one = claimOf(14, 100, "one");
        Certificates.Claim memory two = claimOf(14, 100, "two");
        if (digestOf(domain, one) > digestOf(domain, two)) (one, two) = (two, one);
        vm.prank(STRANGER);
        bytes32 id = slasher.reportDoubleAttestation(attestationBy(1, one), attestationBy(1, two));
        slasher.collect(id, stake);
        assertEq(stake.stakeOf(operatorAt(1)), STAKE / 2);
        vm.prank(REPORTER);
        slasher.reportConflict(certificateOf(one), certificateOf(two), accusedOf(14, 14, 1));
        assertEq(uint256(slasher.conviction(id).kind), uint256(ISlasher.Kind.ConflictingCertificates));
        assertTrue(!slasher.isCollected(id, address(stake)));
        slasher.collect(id, stake);
        assertEq(stake.stakeOf(operatorAt(1)), 0);
        assertTrue(slasher.isCollected(id, address(stake)));
    }

    /// @dev What was taken before counts, also where it was not all
    function testFuzz_bothTakingsTogetherAreTheDearerFraction(uint64 cheap, uint64 dear) external {
        cheap = cheap % 1 ether + 1;
        dear = cheap + dear % uint64(1 ether + 1 - cheap);
        _change([cheap, cheap, dear, dear, dear]);
        registry.fixEpoch(14);
        Certificates.Claim memory one = claimOf(14, 100, "one");
        Certificates.Claim memory two = claimOf(14, 100, "two");
        if (digestOf(domain, one) > digestOf(domain, two)) (one, two) = (two, one);
        bytes32 id = slasher.reportDoubleAttestation(attestationBy(1, one), attestationBy(1, two));
        slasher.collect(id, stake);
        slasher.reportConflict(certificateOf(one), certificateOf(two), accusedOf(14, 14, 1));
        slasher.collect(id, stake);
        slasher.collect(id, stake);
        uint256 expected = STAKE - STAKE * dear / 1 ether;
        uint256 left = stake.stakeOf(operatorAt(1));
        assertTrue(left <= expected + 2_000 && left + 2_000 >= expected);
    }

    /// @dev Dearer parameters alone do not reopen what was judged by cheaper ones
    function test_changedParametersMakeNoConvictionDearer() external {
        bytes memory data = _schedule([uint64(1 ether), 1 ether, 1 ether, 1 ether, 1 ether]);
        vm.warp(startOf(14));
        registry.fixEpoch(14);
        IEvidenceVerifier.Attestation memory one = attestationBy(1, claimOf(14, 100, "one"));
        IEvidenceVerifier.Attestation memory two = attestationBy(1, claimOf(14, 100, "two"));
        bytes32 id = slasher.reportDoubleAttestation(one, two);
        vm.warp(startOf(14) + 59);
        timelock.execute(address(slasher), 0, data, 0, 0);
        slasher.reportDoubleAttestation(one, two);
        slasher.reportAttestationAgainstCertificate(
            one, certificateOf(claimOf(14, 100, "two")), membershipOf(14, 1)
        );
        assertEq(slasher.conviction(id).wad, 0.5 ether);
    }

    function _change(uint64[5] memory wads) private {
        bytes memory data = _schedule(wads);
        vm.warp(vm.getBlockTimestamp() + 601);
        timelock.execute(address(slasher), 0, data, 0, 0);
    }

    function _schedule(uint64[5] memory wads) private returns (bytes memory data) {
        data = abi.encodeCall(ISlasher.setParameters, (ISlasher.Parameters(wads, DESTINATION, 1000)));
        timelock.schedule(address(slasher), 0, data, 0, 0, 601);
    }

    function _convictAfterItsWindow(bytes32 id, uint64 number) private {
        vm.warp(_endOf(id) + 1);
        slasher.convict(id, setAt(2).preimage, setAt(2).preimage, accusedOf(2, 2, 1));
        assertTrue(isConvicted(1, number));
    }

    function _endOf(bytes32 id) private view returns (uint256) {
        (ISlasher.Charge memory charge,) = slasher.charge(id);
        return uint256(charge.provedAt) + 30;
    }

    function _lower() private view returns (IEvidenceVerifier.Certificate memory) {
        return certificateOf(claimOf(2, 100, LOWER));
    }

    /// @dev Of a block on the higher branch, by all
    function _at(uint64 epoch, uint64 number) private view returns (IEvidenceVerifier.Certificate memory) {
        return certificateOf(claimOf(epoch, number, keccak256(_headers[TOP - number])));
    }

    /// @dev The headers from a block down to the one above another
    function _down(uint64 from, uint64 to) private view returns (bytes[] memory) {
        return slice(_headers, TOP - from, TOP - to);
    }
}
