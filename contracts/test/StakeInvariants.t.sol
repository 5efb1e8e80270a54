// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OperatorSets} from "../src/libraries/OperatorSets.sol";
import {InvariantBase} from "./InvariantBase.sol";
import {StakeHandler} from "./StakeHandler.sol";

/// @dev The handler's actions hold more: nobody is paid before the release or above what the slashes
/// until then have left, a slash takes its part of everything and only ever lowers, and no deposit,
/// exit or gift changes what another has.
contract StakeInvariants is InvariantBase {
    StakeHandler private _handler;

    function setUp() external {
        _handler = new StakeHandler();
        _handler.start();
    }

    function invariant_theVaultHoldsWhatEverybodyCanClaim() external {
        vm.warp(_handler.time());
        uint256[2] memory claims;
        for (uint256 i = 0; i < 4 * _handler.STAKERS(); i++) {
            claims[i % 2] +=
                _handler.vaults(i % 2).stakeOf(_handler.staker(i / 4), _handler.operator(i / 2));
        }
        for (uint256 i = 0; i < _handler.exitCount(); i++) {
            StakeHandler.Exit memory each = _handler.exitAt(i);
            if (each.isComplete) continue;
            claims[each.which] += _handler.vaults(each.which).withdrawal(each.id).assets;
        }
        for (uint256 i = 0; i < 2; i++) {
            assertTrue(claims[i] <= _handler.tokens(i).balanceOf(address(_handler.vaults(i))));
        }
    }

    function invariant_aSetsWeightIsTheSumOverTheSourcesAtTheSnapshot() external {
        vm.warp(_handler.time());
        uint256 count = _handler.fixedCount();
        if (count != 0) _expectSum(_handler.fixedEpochs(count - 1));
    }

    function afterInvariant() external {
        vm.warp(_handler.time());
        for (uint256 i = 0; i < _handler.fixedCount(); i++) {
            _expectSum(_handler.fixedEpochs(i));
        }
        _handler.finish();
    }

    /// @dev Of what was seen at the time, also when the epoch was fixed much later
    function _expectSum(uint64 epoch) private view {
        uint256 time = _handler.registry().snapshotTime(epoch);
        (address[] memory list, bytes32[4][] memory keys, uint256[] memory weights) =
            _handler.registry().operatorsAt(epoch);
        uint256 sum = 0;
        for (uint256 i = 0; i < list.length; i++) {
            uint256 seen = _handler.seenWeight(list[i] == _handler.operator(0) ? 0 : 1, time);
            assertEq(weights[i], seen);
            (weights[i], sum) = (seen, sum + seen);
        }
        assertEq(sum, _handler.seenWeight(0, time) + _handler.seenWeight(1, time));
        assertEq(
            _handler.registry().operatorSetHash(epoch), OperatorSets.hash(epoch, list, keys, weights)
        );
    }

    function handlerAddress() internal view override returns (address) {
        return address(_handler);
    }

    function actions() internal pure override returns (bytes4[] memory list) {
        list = new bytes4[](7);
        (list[0], list[1]) = (StakeHandler.deposit.selector, StakeHandler.exit.selector);
        (list[2], list[3]) = (StakeHandler.complete.selector, StakeHandler.slash.selector);
        (list[4], list[5]) = (StakeHandler.gift.selector, StakeHandler.wait.selector);
        list[6] = StakeHandler.fix.selector;
    }
}
