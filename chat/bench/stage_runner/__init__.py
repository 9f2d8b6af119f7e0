"""The stage runner: executes typed test cases against endpoints that speak the stage contract."""
