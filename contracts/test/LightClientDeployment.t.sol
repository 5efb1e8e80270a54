// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {DeploymentScript} from "../script/DeploymentScript.sol";
import {DeployExamples} from "../script/DeployExamples.s.sol";
import {DeployLightClient} from "../script/DeployLightClient.s.sol";
import {FastPayments} from "../src/examples/FastPayments.sol";
import {FinalityLightClient} from "../src/FinalityLightClient.sol";
import {IFinalityLightClient} from "../src/interfaces/IFinalityLightClient.sol";
import {DeploymentTestBase} from "./DeploymentTestBase.sol";

interface MockVm {
    function mockCall(address target, bytes calldata data, bytes calldata answer) external;
    function deal(address account, uint256 balance) external;
}

contract LightClientDeploymentTest is DeploymentTestBase {
    DeployLightClient private script;
    string private example;

    function setUp() external {
        setUpChain(10);
        // The registry on L1 fixes the trusted epoch's set at genesis.
        vm.warp(GENESIS);
        script = new DeployLightClient();
        example = vm.readFile("script/light-client.example.json");
    }

    function test_deploysWhatTheExampleSays() external {
        (, address place) = script.run(example);
        FinalityLightClient client = FinalityLightClient(place);
        assertEq(
            abi.encode(client.network()), abi.encode(1, address(0xe1), GENESIS, 1 days, 1 days)
        );
        assertEq(client.newestEpoch(), 0);
        assertEq(client.operatorSetHash(0), bytes32(uint256(1)));
        assertEq(abi.encode(client.policy(42_161)), abi.encode(42_161, 6667, 1));
        assertEq(client.policy(10).thresholdBps, 0);
    }

    function test_everyPowerIsTheTimelocksAndTheDeployerHasNone() external {
        (address owner, address place) = script.run(example);
        TimelockController timelock = TimelockController(payable(owner));
        assertEq(FinalityLightClient(place).owner(), owner);
        assertEq(timelock.getMinDelay(), DELAY);
        assertPowerless(timelock, DEPLOYER);
        assertGoverned(timelock, place, abi.encodeCall(IFinalityLightClient.setPaused, (true)));
        assertTrue(FinalityLightClient(place).isPaused());
    }

    function test_againDeploysNothingAndSaysWhatStands() external {
        (address timelock, address client) = script.run(example);
        vm.recordLogs();
        (address sameTimelock, address sameClient) = script.run(example);
        assertEq(vm.getRecordedLogs().length, 0);
        assertEq(sameTimelock, timelock);
        assertEq(sameClient, client);
    }

    function test_refusesAChainWithoutEip2537() external {
        MockVm(address(vm)).mockCall(address(0x0b), "", "");
        vm.expectRevert(abi.encodeWithSelector(DeployLightClient.NoBlsPrecompiles.selector));
        script.run(example);
    }

    function test_refusesASetThatNobodyFixed() external {
        vm.warp(GENESIS - 1);
        vm.expectRevert(
            abi.encodeWithSelector(DeploymentScript.NotDeployed.selector, "FinalityLightClient")
        );
        script.run(example);
        vm.warp(GENESIS);
        string memory none = with(
            example,
            "0x0000000000000000000000000000000000000000000000000000000000000001",
            "0x0000000000000000000000000000000000000000000000000000000000000000"
        );
        vm.expectRevert(
            abi.encodeWithSelector(
                DeploymentScript.InvalidParameter.selector,
                "operatorSetHash",
                "is what the registry on L1 has fixed for the epoch"
            )
        );
        script.run(none);
    }

    function test_refusesParametersThatAreUnsafeMissingOrUnknown() external {
        string[3][6] memory changes = [
            [
                '["0x00000000000000000000000000000000000000a1"]',
                '["0x00000000000000000000000000000000000000d1"]',
                "governors"
            ],
            ['"timelockDelaySeconds": "1382400"', '"timelockDelaySeconds": "0"', ".timelockDelaySeconds"],
            ['"acceptanceWindowSeconds": "86400"', '"acceptanceWindowSeconds": "0"', ".acceptanceWindowSeconds"],
            ['"thresholdBps": "6667"', '"thresholdBps": "67"', ".rollups[0].thresholdBps"],
            ['"leastVerification": "1"', '"leastVerification": "0"', ".rollups[0].leastVerification"],
            ['"leastVerification"', '"verification"', "leastVerification"]
        ];
        for (uint256 i = 0; i < changes.length; i++) {
            try script.run(with(example, changes[i][0], changes[i][1])) {
                revert NotTrue();
            } catch (bytes memory reason) {
                assertRefused(reason, changes[i][2]);
            }
        }
    }

    function test_theExamplePaymentsKnowTheSourceOnTheOtherChain() external {
        (, address client) = script.run(example);
        MockVm(address(vm)).deal(DEPLOYER, 3 ether);
        DeployExamples examples = new DeployExamples();
        string memory there = string.concat(
            '{"chainId": "10", "deployer": "0x00000000000000000000000000000000000000d1", ',
            '"salt": "0x00000000000000000000000000000000000000000000000000000000000000ab", ',
            '"lightClient": "0x0000000000000000000000000000000000000000", ',
            '"paymentsFrom": "0", "fundWei": "0"}'
        );
        (address source, address none) = examples.run(there);
        assertEq(none, address(0));
        string memory here = with(there, '"paymentsFrom": "0"', '"paymentsFrom": "42161"');
        here = with(here, '"fundWei": "0"', '"fundWei": "2000000000000000000"');
        here = with(
            here,
            '"lightClient": "0x0000000000000000000000000000000000000000"',
            string.concat('"lightClient": "', _text(client), '"')
        );
        (address sourceHere, address payments) = examples.run(here);
        assertEq(sourceHere, source);
        assertEq(FastPayments(payments).source(), source);
        assertEq(FastPayments(payments).rollupId(), 42_161);
        assertEq(address(FastPayments(payments).lightClient()), client);
        assertEq(payments.balance, 2 ether);
    }

    function _text(address account) private pure returns (string memory text) {
        text = "0x";
        bytes16 digits = "0123456789abcdef";
        for (uint256 i = 0; i < 40; i++) {
            uint256 digit = (uint256(uint160(account)) >> (4 * (39 - i))) & 15;
            text = string.concat(text, string(abi.encodePacked(digits[digit])));
        }
    }
}
