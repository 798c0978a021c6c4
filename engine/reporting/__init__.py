"""The paper's figures, exports, the model report, the paper's reproduction."""
