"""What becomes of an answer that was said: it is looked up, thought of again, or taken away."""
