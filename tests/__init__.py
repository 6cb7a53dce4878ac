"""The specification: mirrors the packages, plus the contracts, the scenarios and the architecture's own tests."""
