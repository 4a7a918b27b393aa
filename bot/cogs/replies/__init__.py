"""How answers to commands look and behave: confirmations, questions, lists, cards."""
