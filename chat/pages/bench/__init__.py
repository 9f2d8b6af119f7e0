"""The pages of the bench: suites, runs, and test cases made from conversations."""
