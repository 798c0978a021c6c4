"""The paper's figures, exports, the model report, verdicts, and the reproduction of the paper."""
