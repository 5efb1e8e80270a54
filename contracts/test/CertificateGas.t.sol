// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CertificateVerifier} from "../src/CertificateVerifier.sol";
import {ICertificateVerifier} from "../src/interfaces/ICertificateVerifier.sol";
import {Certificates} from "../src/libraries/Certificates.sol";
import {CertificateTestBase} from "./CertificateTestBase.sol";

/// @dev What a certificate costs. The figures are committed in snapshots/ and in the README's table.
contract CertificateGasTest is CertificateTestBase {
    uint256 private constant MAX_EXECUTION = 165_000;
    uint256 private constant MAX_EXECUTION_PER_NON_SIGNER = 3_000;
    uint256 private constant MAX_TRANSACTION_PER_NON_SIGNER = 10_000;

    CertificateVerifier private verifier = new CertificateVerifier();

    function test_certificatesCostWhatTheReadmeSays() external {
        string memory readme = vm.readFile("README.md");
        uint16[5] memory counts = [uint16(4), 16, 64, 128, 256];
        string memory table = "";
        for (uint256 i = 0; i < counts.length; i++) {
            table = string.concat(table, _row(counts[i]), "\n");
        }
        assertTrue(vm.contains(readme, table));
    }

    function _row(uint256 count) private returns (string memory row) {
        TestSet memory set = setOf(7, count, 1 ether);
        uint8[4] memory absences = [uint8(0), 1, 5, 10];
        row = string.concat("| ", vm.toString(count));
        (uint256 execution, uint256 transaction) = (0, 0);
        for (uint256 i = 0; i < absences.length; i++) {
            uint256 absent = absences[i];
            // Beyond a third of the set there is no certificate.
            if (absent * 3 >= count) {
                row = string.concat(row, " | -");
                continue;
            }
            (uint256 executionGas, uint256 transactionGas) = _measure(set, absent);
            if (absent == 0) (execution, transaction) = (executionGas, transactionGas);
            assertTrue(executionGas <= MAX_EXECUTION + absent * MAX_EXECUTION_PER_NON_SIGNER);
            assertTrue(executionGas <= execution + absent * MAX_EXECUTION_PER_NON_SIGNER);
            assertTrue(transactionGas <= transaction + absent * MAX_TRANSACTION_PER_NON_SIGNER);
            string memory name = string.concat(vm.toString(count), " operators, ", vm.toString(absent), " absent");
            vm.snapshotValue("CertificateVerifier", name, executionGas);
            row = string.concat(row, " | ", vm.toString(executionGas), " / ", vm.toString(transactionGas));
        }
        row = string.concat(row, " |");
    }

    function _measure(TestSet memory set, uint256 absent)
        private
        view
        returns (uint256 execution, uint256 transaction)
    {
        ICertificateVerifier.Trust memory trust = ICertificateVerifier.Trust(
            Certificates.Domain(1, address(0x51CBbFB68417ACf09BE637f1cd93E72C1214C273)),
            set.operatorSetHash,
            6667
        );
        Certificates.Claim memory claim = claimAt(7);
        Certificates.Signers memory signed =
            signersWithout(set, indices(absent, set.members.length), digestOf(trust.domain, claim));
        bytes memory data = abi.encodeCall(verifier.verify, (trust, claim, signed));
        (Certificates.Code code,,) = verifier.verify(trust, claim, signed);
        execution = vm.lastCallGas().gasTotalUsed;
        assertEq(uint256(code), uint256(Certificates.Code.Valid));
        transaction = _transactionGas(data, execution);
    }

    /// @dev With the price of calldata and its floor (EIP-7623)
    function _transactionGas(bytes memory data, uint256 execution) private pure returns (uint256) {
        uint256 tokens = 0;
        for (uint256 i = 0; i < data.length; i++) {
            tokens += data[i] == 0 ? 1 : 4;
        }
        uint256 standard = 4 * tokens + execution;
        uint256 floor = 10 * tokens;
        return 21_000 + (standard > floor ? standard : floor);
    }
}
