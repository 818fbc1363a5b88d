"""The tests mirror the package; conformance/ holds the harness for the real server."""
