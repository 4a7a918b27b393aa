"""Who answers which message, with which words."""
