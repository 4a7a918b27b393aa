"""What whoever runs the bot is told, and what is refused to them."""
