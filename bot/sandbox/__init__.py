"""Discord, the AI service and a bucket on loopback, for `tzurot demo` and the tests."""
