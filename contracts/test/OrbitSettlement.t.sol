// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OrbitSettlement} from "../src/OrbitSettlement.sol";
import {IOrbitSettlement} from "../src/interfaces/IOrbitSettlement.sol";
import {IRollupCore} from "../src/interfaces/IRollupCore.sol";
import {RollupDouble} from "./RollupDouble.sol";
import {TestBase} from "./TestBase.sol";

contract OrbitSettlementTest is TestBase {
    uint64 private constant ROLLUP = 42161;

    uint256 private height = 23_000_000;
    RollupDouble private rollup;
    OrbitSettlement private settlement;
    /// @dev Two assertions of Arbitrum One, the second made on the first
    IOrbitSettlement.Proof[2] private real;
    bytes32[2] private realHashes;

    function setUp() external {
        vm.roll(height);
        string memory json = vm.readFile("../test/vectors/rollups/orbit/assertions.json");
        for (uint256 i = 0; i < 2; i++) {
            IOrbitSettlement.Proof storage proof = real[i];
            proof.parentAssertionHash = _word(json, i, "parentAssertionHash");
            proof.inboxAccumulator = _word(json, i, "inboxAccumulator");
            IRollupCore.AssertionState storage state = proof.afterState;
            state.globalState.bytes32Vals = [_word(json, i, "blockHash"), _word(json, i, "sendRoot")];
            state.globalState.u64Vals =
                [uint64(_number(json, i, "inboxPosition")), uint64(_number(json, i, "positionInMessage"))];
            state.machineStatus = IRollupCore.MachineStatus(_number(json, i, "machineStatus"));
            state.endHistoryRoot = _word(json, i, "endHistoryRoot");
            realHashes[i] = _word(json, i, "assertionHash");
        }
        rollup = new RollupDouble(ROLLUP, real[0].parentAssertionHash);
        settlement = new OrbitSettlement(ROLLUP, rollup);
    }

    function test_answersTheBlocksOfArbitrumOnesAssertionsUnderTheirHashes() external {
        for (uint256 i = 0; i < 2; i++) {
            assertEq(_confirm(real[i]), realHashes[i]);
            bytes32[2] memory hashes = real[i].afterState.globalState.bytes32Vals;
            (bytes32 blockHash, bytes32 outputRoot) = settlement.settled(abi.encode(real[i]));
            assertEq(blockHash, hashes[0]);
            assertEq(outputRoot, keccak256(bytes.concat(hashes[0], hashes[1])));
        }
        settlement.settled(abi.encode(real[0]));
        assertEq(settlement.rollupId(), ROLLUP);
        assertEq(address(settlement.rollup()), address(rollup));
    }

    function test_refusesAnAssertionThatIsUnknownOrPending() external {
        _refuse(real[0], realHashes[0], IRollupCore.AssertionStatus.None);
        _create(real[0]);
        _refuse(real[0], realHashes[0], IRollupCore.AssertionStatus.Pending);
        _waitForPeriods(2);
        _refuse(real[0], realHashes[0], IRollupCore.AssertionStatus.Pending);
        rollup.confirm(realHashes[0]);
        settlement.settled(abi.encode(real[0]));
    }

    function test_refusesTheRivalOfAConfirmedAssertionForEver() external {
        IOrbitSettlement.Proof memory rival = real[0];
        rival.afterState.globalState.bytes32Vals[0] = keccak256("rival");
        bytes32 hash = _create(rival);
        _confirm(real[0]);
        _waitForPeriods(10);
        vm.expectRevert(abi.encodeWithSelector(RollupDouble.PreviousNotLatestConfirmed.selector));
        rollup.confirm(hash);
        _refuse(rival, hash, IRollupCore.AssertionStatus.Pending);
    }

    function test_everyFieldIsInTheHash(uint8 field, uint64 flip) external {
        vm.assume(flip != 0);
        _confirm(real[0]);
        IOrbitSettlement.Proof memory other = real[0];
        bytes32 word = bytes32(uint256(flip));
        field %= 8;
        IRollupCore.GlobalState memory state = other.afterState.globalState;
        if (field == 0) other.parentAssertionHash ^= word;
        if (field == 1) state.bytes32Vals[0] ^= word;
        if (field == 2) state.bytes32Vals[1] ^= word;
        if (field == 3) state.u64Vals[0] ^= flip;
        if (field == 4) state.u64Vals[1] ^= flip;
        if (field == 5) other.afterState.machineStatus = IRollupCore.MachineStatus.Errored;
        if (field == 6) other.afterState.endHistoryRoot ^= word;
        if (field == 7) other.inboxAccumulator ^= word;
        _refuse(other, _hashOf(other), IRollupCore.AssertionStatus.None);
    }

    function test_refusesAMachineThatErred() external {
        IOrbitSettlement.Proof memory erred = real[0];
        erred.afterState.machineStatus = IRollupCore.MachineStatus.Errored;
        _confirm(erred);
        vm.expectRevert(
            abi.encodeWithSelector(
                IOrbitSettlement.MachineNotFinished.selector, IRollupCore.MachineStatus.Errored
            )
        );
        settlement.settled(abi.encode(erred));
    }

    function test_refusesTheFirstAssertionOfAChain() external {
        // What a Rollup contract is initialised with: nothing but a finished machine.
        IOrbitSettlement.Proof memory first;
        first.afterState.machineStatus = IRollupCore.MachineStatus.Finished;
        settlement = new OrbitSettlement(ROLLUP, new RollupDouble(ROLLUP, _hashOf(first)));
        vm.expectRevert(abi.encodeWithSelector(IOrbitSettlement.NoBlock.selector));
        settlement.settled(abi.encode(first));

        first.afterState.machineStatus = IRollupCore.MachineStatus.Running;
        settlement = new OrbitSettlement(ROLLUP, new RollupDouble(ROLLUP, _hashOf(first)));
        vm.expectRevert(
            abi.encodeWithSelector(
                IOrbitSettlement.MachineNotFinished.selector, IRollupCore.MachineStatus.Running
            )
        );
        settlement.settled(abi.encode(first));
    }

    function test_refusesProofsOfAnotherShape() external {
        _confirm(real[0]);
        bytes memory refusal = abi.encodeWithSelector(IOrbitSettlement.InvalidProof.selector);
        vm.expectRevert(refusal);
        settlement.settled("");
        vm.expectRevert(refusal);
        settlement.settled(bytes.concat(abi.encode(real[0]), hex"00"));
        // Positions and status beyond what their types hold.
        for (uint256 word = 3; word <= 5; word++) {
            bytes memory proof = abi.encode(real[0]);
            proof[32 * word + 7] = 0x01;
            vm.expectRevert();
            settlement.settled(proof);
        }
    }

    function test_refusesAConfigurationThatCannotWork() external {
        bytes memory refusal = abi.encodeWithSelector(IOrbitSettlement.InvalidConfiguration.selector);
        RollupDouble ofNoChain = new RollupDouble(0, 0);
        vm.expectRevert(refusal);
        new OrbitSettlement(0, ofNoChain);
        vm.expectRevert(refusal);
        new OrbitSettlement(ROLLUP, IRollupCore(address(0xdead)));
        vm.expectRevert(refusal);
        new OrbitSettlement(42170, rollup);
    }

    function _create(IOrbitSettlement.Proof memory proof) private returns (bytes32) {
        return rollup.create(proof.parentAssertionHash, proof.afterState, proof.inboxAccumulator);
    }

    function _confirm(IOrbitSettlement.Proof memory proof) private returns (bytes32 hash) {
        hash = _create(proof);
        _waitForPeriods(1);
        rollup.confirm(hash);
    }

    function _waitForPeriods(uint256 count) private {
        height += count * rollup.CONFIRM_PERIOD_BLOCKS();
        vm.roll(height);
    }

    function _refuse(
        IOrbitSettlement.Proof memory proof,
        bytes32 hash,
        IRollupCore.AssertionStatus status
    ) private {
        vm.expectRevert(
            abi.encodeWithSelector(IOrbitSettlement.NotConfirmed.selector, hash, status)
        );
        settlement.settled(abi.encode(proof));
    }

    function _hashOf(IOrbitSettlement.Proof memory proof) private view returns (bytes32) {
        return rollup.hashOf(proof.parentAssertionHash, proof.afterState, proof.inboxAccumulator);
    }

    function _word(string memory json, uint256 index, string memory name) private pure returns (bytes32) {
        return vm.parseJsonBytes32(json, jsonPath("$", index, string.concat(".", name)));
    }

    function _number(string memory json, uint256 index, string memory name) private pure returns (uint256) {
        return vm.parseJsonUint(json, jsonPath("$", index, string.concat(".", name)));
    }
}
