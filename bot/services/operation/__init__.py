"""What whoever runs the bot relies on: drills, receipts, reports, and what runs beside it all."""
